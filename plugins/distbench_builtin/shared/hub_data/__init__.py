"""Data sets of the Hugging Face Hub: their columns, kinds of columns, labels and rows."""
