"""A run counted from its files: the summary, and the report of it in Markdown."""
