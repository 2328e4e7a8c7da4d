"""Reporters: what follows a run."""
