"""What is put to a model, and what is made of its reply."""
