"""What strategies and methods may look at: labelled, unlabelled, validation, but never test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distbench.identity import seed_for
from distbench.sources import SourceInfo
from distbench.suite import Protocol


@dataclass(frozen=True)
class Embedding:
    """Features and logits of one source on the train images of a task.

    Attributes:
        features: float32 (n, d), memory-mapped.
        logits: float16 or float32 (n, c), memory-mapped.
    """

    features: NDArray[np.floating]
    logits: NDArray[np.floating]


@dataclass(frozen=True)
class WeightedSource:
    """A source that a method learns from: its facts, its weight > 0 and its embedding."""

    info: SourceInfo
    weight: float
    embedding: Embedding


@dataclass(frozen=True, kw_only=True)
class Context:
    """One task with one seed, as a strategy sees it.

    Attributes:
        suite: Name of the suite.
        task: Id of the task.
        seed: The run's seed.
        classes: Class names.
        labels: int64 (n,), `UNLABELLED` everywhere but on labelled and validation images.
        labelled: Positions of labelled images among the n train images.
        unlabelled: Positions of the unlabelled pool; holds the labelled ones too.
        validation: Positions of validation images; never to be trained on.
        protocol: The protocol in force.
        embedding: Embedding of an eligible source by name, opened when asked for.
    """

    suite: str
    task: str
    seed: int
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]
    validation: NDArray[np.int64]
    protocol: Protocol
    embedding: Callable[[str], Embedding]

    @property
    def num_classes(self) -> int:
        """Number of target classes."""
        return len(self.classes)

    def seed_for(self, *axes: str | int) -> int:
        """A seed of this task and seed, and of further axes that are named."""
        return seed_for(self.suite, self.task, self.seed, *axes)


@dataclass(frozen=True, kw_only=True)
class MethodContext(Context):
    """One task with one seed, as a method sees it.

    Attributes:
        sources: Sources of weight > 0, heaviest first; empty for baselines.
        num_features: Width of the student's pooled features.
    """

    sources: tuple[WeightedSource, ...] = field(default=())
    num_features: int
