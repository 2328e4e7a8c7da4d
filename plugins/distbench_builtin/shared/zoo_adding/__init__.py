"""A file of weights becomes a source of a local zoo: read, asked about, tried and listed."""
