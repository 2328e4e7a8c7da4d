"""Processes beside this one: workers, children, their limits and their ends."""
