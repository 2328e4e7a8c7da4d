"""What is done with a trained student: it is written as files, and those predict."""
