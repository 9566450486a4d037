"""Readers of a run."""
