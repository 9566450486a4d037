"""A run counted from its files: the summary, and reports of it in Markdown and as a page."""
