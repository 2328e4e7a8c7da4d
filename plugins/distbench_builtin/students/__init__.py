"""Built-in students, one file per idea."""
