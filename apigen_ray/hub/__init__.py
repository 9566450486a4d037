"""A run as a data set on the Hugging Face Hub: the folder, its card, the licences in it, and the one commit."""
