"""What a step of the loop is made of: its loss, optimiser, counts, and what guards the weights."""
