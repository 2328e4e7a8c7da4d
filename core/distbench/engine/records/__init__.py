"""What a run has on record: rows by cell, what machines share of them, and its folder."""
