"""The graph of one round, on Ray Data."""
