"""The checks, one module a kind; those of every kind are in `every`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from distbench.testing.check import _CHECKS, Check

_MODULES = (
    *("every", "metric", "strategy", "zoo", "student", "method", "task", "suite", "executor"),
    *("measure", "reporter", "end_to_end"),
)


def checks_of(kind: str) -> Mapping[str, Check]:
    """The checks of a kind by name, in the order in which they are run."""
    for name in _MODULES:
        importlib.import_module(f"{__name__}.{name}")
    return {name: check for (of, name), check in _CHECKS.items() if of == kind}
