"""The target tasks of the two papers: what they should hold, where they lie, how they are read."""
