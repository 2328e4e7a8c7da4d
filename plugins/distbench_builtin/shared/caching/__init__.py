"""Shared by several built-ins: caching."""
