"""Built-in baselines, one file per idea."""
