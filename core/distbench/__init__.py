"""distbench: which pretrained models should a small network learn from, and how much from each?

The names in `__all__` are the public interface. They are imported when they are first used, so
that ``import distbench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distbench.api import rank, run, score
    from distbench.engine.ranking import Comparison, Ranking
    from distbench.engine.unit import execute_unit
    from distbench.errors import (
        ArgumentError,
        CorruptImageError,
        DataError,
        Declined,
        DistbenchError,
        PluginError,
        RefusedError,
        UsageError,
        WeightsError,
    )
    from distbench.interfaces.component import Component, Role
    from distbench.interfaces.context import (
        Context,
        MethodContext,
        Taught,
        Teaching,
        Transfer,
        TransferSet,
        WeightedSource,
    )
    from distbench.interfaces.executor import Executor, Outcome, UnitQueue
    from distbench.interfaces.method import Baseline, Distiller
    from distbench.interfaces.metric import Metric
    from distbench.interfaces.parameters import Range, primary, searched
    from distbench.interfaces.phase import Batch, Phase, Stream
    from distbench.interfaces.probe import Labels, Need, Probe
    from distbench.interfaces.progress import Progress
    from distbench.interfaces.reporter import Cell, Reporter, RunFacts
    from distbench.interfaces.strategy import Strategy
    from distbench.interfaces.student import Student
    from distbench.interfaces.student_model import StudentModel
    from distbench.interfaces.suite import Suite, SuiteDefinition
    from distbench.interfaces.task import UNLABELLED, Part, Task, TaskIndex
    from distbench.interfaces.zoo import Forward, Source, SourceInfo, Zoo
    from distbench.plugins.hookspecs import hookimpl
    from distbench.storage.downloads import Download, Manual, UrlFile, absent
    from distbench.storage.home import home
    from distbench.storage.hub import HubFiles
    from distbench.storage.offline import offline
    from distbench.storage.rows import Row

_HOME = {
    "api": ["rank", "run", "score"],
    "engine.ranking": ["Comparison", "Ranking"],
    "engine.unit": ["execute_unit"],
    "errors": [
        "ArgumentError",
        "CorruptImageError",
        "DataError",
        "Declined",
        "DistbenchError",
        "PluginError",
        "RefusedError",
        "UsageError",
        "WeightsError",
    ],
    "interfaces.component": ["Component", "Role"],
    "interfaces.context": [
        "Context",
        "MethodContext",
        "Taught",
        "Teaching",
        "Transfer",
        "TransferSet",
        "WeightedSource",
    ],
    "interfaces.executor": ["Executor", "Outcome", "UnitQueue"],
    "interfaces.method": ["Baseline", "Distiller"],
    "interfaces.metric": ["Metric"],
    "interfaces.parameters": ["Range", "primary", "searched"],
    "interfaces.phase": ["Batch", "Phase", "Stream"],
    "interfaces.probe": ["Labels", "Need", "Probe"],
    "interfaces.progress": ["Progress"],
    "interfaces.reporter": ["Cell", "Reporter", "RunFacts"],
    "interfaces.strategy": ["Strategy"],
    "interfaces.student": ["Student"],
    "interfaces.student_model": ["StudentModel"],
    "interfaces.suite": ["Suite", "SuiteDefinition"],
    "interfaces.task": ["Part", "Task", "TaskIndex", "UNLABELLED"],
    "interfaces.zoo": ["Forward", "Source", "SourceInfo", "Zoo"],
    "plugins.hookspecs": ["hookimpl"],
    "storage.downloads": ["Download", "Manual", "UrlFile", "absent"],
    "storage.home": ["home"],
    "storage.hub": ["HubFiles"],
    "storage.offline": ["offline"],
    "storage.rows": ["Row"],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "UNLABELLED",
    "ArgumentError",
    "Baseline",
    "Batch",
    "Cell",
    "Comparison",
    "Component",
    "Context",
    "CorruptImageError",
    "DataError",
    "Declined",
    "DistbenchError",
    "Distiller",
    "Download",
    "Executor",
    "Forward",
    "HubFiles",
    "Labels",
    "Manual",
    "MethodContext",
    "Metric",
    "Need",
    "Outcome",
    "Part",
    "Phase",
    "PluginError",
    "Probe",
    "Progress",
    "Range",
    "Ranking",
    "RefusedError",
    "Reporter",
    "Role",
    "Row",
    "RunFacts",
    "Source",
    "SourceInfo",
    "Strategy",
    "Stream",
    "Student",
    "StudentModel",
    "Suite",
    "SuiteDefinition",
    "Task",
    "TaskIndex",
    "Taught",
    "Teaching",
    "Transfer",
    "TransferSet",
    "UnitQueue",
    "UrlFile",
    "UsageError",
    "WeightedSource",
    "WeightsError",
    "Zoo",
    "__version__",
    "absent",
    "execute_unit",
    "home",
    "hookimpl",
    "offline",
    "primary",
    "rank",
    "run",
    "score",
    "searched",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("distbench")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'distbench' has no attribute {name!r}")
    return getattr(importlib.import_module(f"distbench.{module}"), name)


def __dir__() -> list[str]:
    return __all__
