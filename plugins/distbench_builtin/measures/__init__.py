"""Measures: what the answers of a trained student on test images are worth."""
