"""Built-in distillers, one file per idea."""
