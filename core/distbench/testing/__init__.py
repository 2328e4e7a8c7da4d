"""The conformance suite: what every component of a kind must do, as checks that authors run.

``distbench check TARGET`` and ``pytest --distbench TARGET`` run them; so does this::

    from distbench.testing import check_all

    for verdict in check_all("my_package"):
        ...

The checks of a kind are in ``distbench.testing.checks``, one module a kind, and run on a task, a
zoo and a student of the suite's own (`distbench.testing.miniature`), through the same machinery as
`distbench.run`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distbench.testing.check import Check, check
    from distbench.testing.faults import Fault, NotChecked
    from distbench.testing.run import Case, Verdict, cases_of, check_all
    from distbench.testing.subject import miniature_options

_HOME = {
    "Check": "check",
    "check": "check",
    "Fault": "faults",
    "NotChecked": "faults",
    "Case": "run",
    "Verdict": "run",
    "cases_of": "run",
    "check_all": "run",
    "miniature_options": "subject",
}

__all__ = [
    "Case",
    "Check",
    "Fault",
    "NotChecked",
    "Verdict",
    "cases_of",
    "check",
    "check_all",
    "miniature_options",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'distbench.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"distbench.testing.{_HOME[name]}"), name)
