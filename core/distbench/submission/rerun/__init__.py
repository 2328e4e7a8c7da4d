"""Cells of a bundle, and scores of metrics, computed again by installed components."""
