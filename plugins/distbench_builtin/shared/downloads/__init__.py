"""Shared by several built-ins: downloads."""
