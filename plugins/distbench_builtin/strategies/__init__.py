"""Built-in strategies, one file per idea."""
