"""The loop over rounds, in plain Python: prepare, run, close, resume."""
