"""What a person sees: rich on a terminal, plain lines elsewhere."""
