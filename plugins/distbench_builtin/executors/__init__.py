"""Built-in executors, one file per idea."""
