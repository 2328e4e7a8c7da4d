"""Built-in tasks, one file per idea."""
