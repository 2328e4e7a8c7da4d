"""Zoos that are trained, and files of weights that join one."""
