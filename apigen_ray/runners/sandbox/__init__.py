"""What runs in a runner's child processes; standard library, and RestrictedPython in the language layer, only."""
