"""distbench: which pretrained models should a small network learn from, and how much from each?

The names in `__all__` are the public interface. They are imported when they are first used, so
that ``import distbench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distbench.api import rank, run, score
    from distbench.components import (
        Baseline,
        Component,
        Distiller,
        Executor,
        Metric,
        Reporter,
        Role,
        Strategy,
        Student,
        Suite,
        Task,
        Zoo,
        primary,
    )
    from distbench.data import UNLABELLED, Part, TaskIndex
    from distbench.downloads import Download, Manual, UrlFile, absent
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
    from distbench.hookspecs import hookimpl
    from distbench.hub_files import HubFiles
    from distbench.method import (
        Context,
        MethodContext,
        Taught,
        Teaching,
        Transfer,
        TransferSet,
        WeightedSource,
    )
    from distbench.network import offline
    from distbench.paths import home
    from distbench.plan import Cell
    from distbench.probe import Labels, Need, Probe
    from distbench.queue import Outcome, UnitQueue
    from distbench.ranking import Comparison, Ranking
    from distbench.reporting import RunFacts
    from distbench.results import Row
    from distbench.search import Range, searched
    from distbench.sources import Forward, Source, SourceInfo
    from distbench.suite import SuiteDefinition
    from distbench.training import Batch, Phase, Stream, StudentModel
    from distbench.worker import execute_unit

_HOME = {
    "api": ["rank", "run", "score"],
    "components": [
        "Baseline",
        "Component",
        "Distiller",
        "Executor",
        "Metric",
        "Reporter",
        "Role",
        "Strategy",
        "Student",
        "Suite",
        "Task",
        "Zoo",
        "primary",
    ],
    "data": ["UNLABELLED", "Part", "TaskIndex"],
    "downloads": ["Download", "Manual", "UrlFile", "absent"],
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
    "hookspecs": ["hookimpl"],
    "hub_files": ["HubFiles"],
    "network": ["offline"],
    "paths": ["home"],
    "plan": ["Cell"],
    "method": [
        "Context",
        "MethodContext",
        "Taught",
        "Teaching",
        "Transfer",
        "TransferSet",
        "WeightedSource",
    ],
    "probe": ["Labels", "Need", "Probe"],
    "queue": ["Outcome", "UnitQueue"],
    "ranking": ["Comparison", "Ranking"],
    "reporting": ["RunFacts"],
    "results": ["Row"],
    "search": ["Range", "searched"],
    "sources": ["Forward", "Source", "SourceInfo"],
    "suite": ["SuiteDefinition"],
    "training": ["Batch", "Phase", "Stream", "StudentModel"],
    "worker": ["execute_unit"],
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
