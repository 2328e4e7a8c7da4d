"""Shared by several built-ins: shared."""
