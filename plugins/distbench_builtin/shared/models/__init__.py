"""Shared by several built-ins: models."""
