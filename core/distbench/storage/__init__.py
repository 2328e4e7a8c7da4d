"""Bytes on the disk and from the network; knows nothing of components."""
