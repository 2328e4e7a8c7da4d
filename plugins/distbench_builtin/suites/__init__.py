"""Built-in suites, one file per idea."""
