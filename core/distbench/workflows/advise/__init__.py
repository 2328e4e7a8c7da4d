"""Advice on a task: which sources, which method, which student, how many labels, how sure."""
