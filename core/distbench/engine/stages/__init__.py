"""The six stages, as the data flow: prepare, embed, score, weigh, train, evaluate.

Each takes what the one before made and hands on its own; nothing reaches back.
"""

from __future__ import annotations

VERSIONS = {"prepare": 2, "embed": 1, "score": 1, "train": 2}
"""Raised when what a stage computes changes; part of every key that depends on it."""
