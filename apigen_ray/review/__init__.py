"""People judge rows of a run: a fixed random sample, a page on loopback, and what the judgements let one estimate."""
