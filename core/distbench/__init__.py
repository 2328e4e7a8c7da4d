"""distbench: which pretrained models should a small network learn from, and how much from each?

The names in `__all__` are the public interface. They are imported when they are first used, so
that ``import distbench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from distbench.plugins.public_names import HOME

if TYPE_CHECKING:
    from distbench.api import load, rank, run, score
    from distbench.engine.ranking import Comparison, Ranking
    from distbench.engine.stages.decode import decode_images
    from distbench.engine.stages.thumbnails import first_alike, thumbnail
    from distbench.engine.training.augment import weak_view
    from distbench.engine.training.batches import to_floats
    from distbench.engine.training.checkpoint import Checkpoint
    from distbench.engine.training.loop import train_phases
    from distbench.engine.training.macs import count_macs
    from distbench.engine.training.mixing import cutmix, mixup
    from distbench.engine.training.predict import predict_logits
    from distbench.engine.training.setting import TrainingSetting
    from distbench.engine.training.steps.together import Together
    from distbench.engine.training.threads import torch_threads
    from distbench.engine.training.views import RandomResizedCrop, StrongView, WeakView
    from distbench.engine.unit import execute_unit
    from distbench.engine.worker_process import WorkerProcess
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
        did_you_mean,
    )
    from distbench.interfaces.classifier import Classifier
    from distbench.interfaces.component import Component, Role
    from distbench.interfaces.context import (
        Context,
        MethodContext,
        Pool,
        Surroundings,
        TeacherLogits,
        TeacherRecipe,
        Transfer,
        TransferSet,
        WeightedSource,
    )
    from distbench.interfaces.execution.executor import Executor
    from distbench.interfaces.execution.unit import News, Outcome, Resources, Unit
    from distbench.interfaces.execution.unit_queue import UnitQueue
    from distbench.interfaces.groups import take_groups
    from distbench.interfaces.layers import NetworkOutputs
    from distbench.interfaces.measure import Measure
    from distbench.interfaces.method import Baseline, Distiller
    from distbench.interfaces.metric import Metric, Need, SetMetric
    from distbench.interfaces.parameters import Range, primary, searched
    from distbench.interfaces.probe import Labels, Probe
    from distbench.interfaces.progress import Progress
    from distbench.interfaces.reporter import Cell, Reporter, RunFacts
    from distbench.interfaces.strategy import Strategy
    from distbench.interfaces.student import Student
    from distbench.interfaces.suite import Suite, SuiteDefinition
    from distbench.interfaces.task import MOST_COPIES, UNLABELLED, Part, Task, TaskIndex
    from distbench.interfaces.training.heads import CosineHead, MLPHead, PrototypeHead
    from distbench.interfaces.training.inference import Inference, TrainedStudent, class_means
    from distbench.interfaces.training.optimiser import Optimiser, adamw, sgd
    from distbench.interfaces.training.phase import Phase, Schedule, warm_up_cosine
    from distbench.interfaces.training.stream import Batch, Batches, Stream, View, class_balanced
    from distbench.interfaces.zoo import (
        Forward,
        Interpolation,
        Mean,
        OneLine,
        Question,
        Source,
        SourceInfo,
        Std,
        TextHead,
        Width,
        Zoo,
    )
    from distbench.plugins.hookspecs import hookimpl
    from distbench.storage.atomic import write_atomic
    from distbench.storage.home import home
    from distbench.storage.image_files import (
        HEIF_SUFFIXES,
        IMAGE_FORMATS,
        IMAGE_SUFFIXES,
        learn_heif,
    )
    from distbench.storage.network.downloads import Download, Manual, UrlFile, absent
    from distbench.storage.network.hub import HubFiles
    from distbench.storage.network.hub_names import hub_name
    from distbench.storage.network.offline import admit, offline
    from distbench.storage.rows import Row
    from distbench.storage.safe_text import csv_cell, harmless_text
    from distbench.storage.system.machine import this_machine, usable_cores, visible_gpus
    from distbench.storage.toml import parse_toml, toml_value
    from distbench.storage.validation import faults_of
    from distbench.storage.verified import verified_since

_MODULE_OF = {name: module for module, names in HOME.items() for name in names}

__all__ = [
    "HEIF_SUFFIXES",
    "IMAGE_FORMATS",
    "IMAGE_SUFFIXES",
    "MOST_COPIES",
    "UNLABELLED",
    "ArgumentError",
    "Baseline",
    "Batch",
    "Batches",
    "Cell",
    "Classifier",
    "Checkpoint",
    "Comparison",
    "Component",
    "Context",
    "CorruptImageError",
    "CosineHead",
    "DataError",
    "Declined",
    "DistbenchError",
    "Distiller",
    "Download",
    "Embedding",
    "Executor",
    "Forward",
    "HubFiles",
    "Inference",
    "Interpolation",
    "Labels",
    "MLPHead",
    "Manual",
    "Mean",
    "Measure",
    "MethodContext",
    "Metric",
    "Need",
    "NetworkOutputs",
    "News",
    "OneLine",
    "Optimiser",
    "Outcome",
    "Part",
    "Phase",
    "PluginError",
    "Pool",
    "PrototypeHead",
    "Probe",
    "Progress",
    "Question",
    "RandomResizedCrop",
    "Range",
    "Ranking",
    "RefusedError",
    "Reporter",
    "Resources",
    "Role",
    "Row",
    "RunFacts",
    "Schedule",
    "Source",
    "SourceInfo",
    "SetMetric",
    "Std",
    "Strategy",
    "Stream",
    "StrongView",
    "Student",
    "Suite",
    "SuiteDefinition",
    "Surroundings",
    "Task",
    "TaskIndex",
    "TextHead",
    "TeacherLogits",
    "TeacherRecipe",
    "TrainedStudent",
    "Together",
    "TrainingSetting",
    "Transfer",
    "TransferSet",
    "Unit",
    "UnitQueue",
    "UrlFile",
    "UsageError",
    "View",
    "WeakView",
    "WeightedSource",
    "WeightsError",
    "Width",
    "WorkerProcess",
    "Zoo",
    "__version__",
    "absent",
    "adamw",
    "admit",
    "class_balanced",
    "class_means",
    "cutmix",
    "did_you_mean",
    "count_macs",
    "csv_cell",
    "decode_images",
    "execute_unit",
    "faults_of",
    "first_alike",
    "harmless_text",
    "home",
    "hookimpl",
    "hub_name",
    "learn_heif",
    "load",
    "mixup",
    "offline",
    "parse_toml",
    "predict_logits",
    "primary",
    "rank",
    "run",
    "score",
    "searched",
    "sgd",
    "take_groups",
    "this_machine",
    "thumbnail",
    "to_floats",
    "toml_value",
    "torch_threads",
    "train_phases",
    "usable_cores",
    "verified_since",
    "visible_gpus",
    "warm_up_cosine",
    "weak_view",
    "write_atomic",
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
