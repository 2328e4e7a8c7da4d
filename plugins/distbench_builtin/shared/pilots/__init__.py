"""Jobs of a cluster's scheduler that work on one unit after the other, and who gives them units."""
