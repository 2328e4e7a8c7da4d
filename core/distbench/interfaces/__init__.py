"""What plugins are written against: one file for each kind, and what it is given."""
