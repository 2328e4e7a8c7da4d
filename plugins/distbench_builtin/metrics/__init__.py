"""Built-in metrics, one file per idea."""
