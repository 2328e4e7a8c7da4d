"""Shared by several built-ins: mini."""
