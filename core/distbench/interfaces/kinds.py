"""The kinds of components: from the name of each to the class that plugins derive from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distbench.interfaces.component import Component
from distbench.interfaces.execution.executor import Executor
from distbench.interfaces.measure import Measure
from distbench.interfaces.method import Baseline, Distiller
from distbench.interfaces.metric import Metric
from distbench.interfaces.reporter import Reporter
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.student import Student
from distbench.interfaces.suite import Suite
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import Zoo

KINDS: Mapping[str, type[Component]] = {
    "zoo": Zoo,
    "metric": Metric,
    "strategy": Strategy,
    "student": Student,
    "distiller": Distiller,
    "baseline": Baseline,
    "task": Task,
    "suite": Suite,
    "measure": Measure,
    "executor": Executor,
    "reporter": Reporter,
}
"""The kinds by their singular name, in the order in which they are listed."""


def kind_of(cls: Any) -> str:
    """The kind that a class belongs to; empty for anything else."""
    kinds = (k for k, base in KINDS.items() if isinstance(cls, type) and issubclass(cls, base))
    return next(kinds, "")
