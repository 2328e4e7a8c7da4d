"""Shared by several built-ins: numerics."""
