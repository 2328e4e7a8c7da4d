"""The checks, one module a kind; those of every kind are in `every`."""

from __future__ import annotations

import importlib

_MODULES = (
    "every",
    "metric",
    "strategy",
    "zoo",
    "student",
    "method",
    "task",
    "suite",
    "executor",
    "reporter",
    "end_to_end",
)


def load() -> None:
    """Imports all of them, so that their checks are known."""
    for name in _MODULES:
        importlib.import_module(f"{__name__}.{name}")
