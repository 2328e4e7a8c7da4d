"""Metrics of teams: several sources scored together."""
