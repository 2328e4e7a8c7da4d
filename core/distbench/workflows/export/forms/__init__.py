"""What each form of a student is written by."""
