"""What the stages make, kept by key: whole or not there, and unaltered or made anew."""
