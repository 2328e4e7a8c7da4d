"""Shared by several built-ins: methods."""
