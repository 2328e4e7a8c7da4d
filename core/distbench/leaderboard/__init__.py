"""From rows to statistics to tables. Knows nothing of how the rows were made."""
