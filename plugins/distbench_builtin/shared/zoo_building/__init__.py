"""Shared by several built-ins: zoo building."""
