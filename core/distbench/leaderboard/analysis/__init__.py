"""Statistics of rows: boards, costs, weights, metrics."""
