"""Executes the units of a plan."""
