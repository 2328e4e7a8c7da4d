"""Built-in zoos, one file per idea."""
