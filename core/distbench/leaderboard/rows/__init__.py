"""Rows made small, and which of them count."""
