"""Shared by several built-ins: sources."""
