"""Shared by several built-ins: images."""
