"""One small abstract class per kind of component: the contracts that plugins fulfil."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from distbench.component import Component, Role, primary
from distbench.recipe import recipe_of
from distbench.reporter import Reporter

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench.data import TaskIndex
    from distbench.errors import Declined
    from distbench.method import Context, MethodContext, Transfer
    from distbench.probe import Need, Probe
    from distbench.queue import UnitQueue
    from distbench.sources import Source, SourceInfo
    from distbench.suite import SuiteDefinition
    from distbench.training import Phase

__all__ = [
    "KINDS",
    "Baseline",
    "Component",
    "Distiller",
    "Executor",
    "Method",
    "Metric",
    "Reporter",
    "Role",
    "Strategy",
    "Student",
    "Suite",
    "Task",
    "Zoo",
    "primary",
]


class Zoo(Component, ABC):
    """A named set of source models."""

    @abstractmethod
    def sources(self) -> Sequence[Source]:
        """All source models, generalists too, in a fixed order; loads no weights.

        Raises:
            WeightsError: The zoo cannot be read.
        """


class Metric(Component, ABC):
    """Scores how well a source fits a task; higher is better.

    Attributes:
        needs: What it reads of a probe; ``zoo`` for one that compares all sources by `score_all`.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})

    def needed(self) -> frozenset[Need]:
        """What it needs with its parameters: `needs`, unless a parameter changes that."""
        return self.needs

    @abstractmethod
    def score(self, probe: Probe) -> float:
        """The score of one source.

        Raises:
            Declined: The metric is not defined on this probe.
        """

    def score_all(self, probes: Sequence[Probe]) -> Sequence[float | Declined]:
        """Scores of all eligible sources; overridden by metrics that need the whole zoo."""
        from distbench import errors

        def one(probe: Probe) -> float | Declined:
            try:
                return float(self.score(probe))
            except errors.Declined as reason:
                return reason

        return [one(probe) for probe in probes]


class Strategy(Component, ABC):
    """Turns the scores of the eligible sources into weights."""

    needs_scores: ClassVar[bool] = True

    @abstractmethod
    def weigh(
        self,
        scores: NDArray[np.float64],
        sources: Sequence[SourceInfo],
        context: Context | None = None,
    ) -> NDArray[np.float64]:
        """Weights >= 0 that sum to 1.

        Args:
            scores: (s,), finite; zeros where the strategy needs none.
            sources: s eligible sources, in the order of the scores.
            context: Embeddings and labels of labelled and validation images, read when asked
                for; None where weights are computed from scores alone (`distbench rank`).

        Raises:
            Declined: The strategy cannot be used here.
        """


class Student(Component, ABC):
    """An efficient architecture with its initialisation."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the initial weights; cheap, loads no torch.

        Raises:
            WeightsError: They cannot be had; says how to name a file or go without.
        """

    @abstractmethod
    def backbone(self, *, pretrained: bool) -> torch.nn.Module:
        """The network up to its pooled features: (b, 3, s, s) to (b, `num_features`).

        Args:
            pretrained: False for the random initialisation of `scratch`.

        Returns:
            A module with an integer attribute ``num_features``.
        """

    @abstractmethod
    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and standard deviation of the input channels (of images in 0..1)."""

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """State dict and recipe by which the trained student is loaded without distbench.

        Args:
            backbone: State dict of the trained backbone.
            head: ``weight`` (c, d) and ``bias`` (c,) of the classifier.
            classes: Class names in the order of the outputs.

        Returns:
            Tensors by name, and a JSON-able description of how to load them. Its ``how_to_load``
            is Python in which ``PATH`` names their safetensors file, and which makes ``model``,
            from normalised images to logits; ``files`` are texts by name to lie beside that file,
            modules that it imports among them.
        """
        tensors = {f"backbone.{k}": v for k, v in backbone.items()}
        tensors |= {f"head.{k}": v for k, v in head.items()}
        return tensors, recipe_of(self)


class Method(Component, ABC):
    """What is trained in a cell: a distiller or a baseline.

    Attributes:
        initialisation: What is trained: the student from its pretrained or from random weights, or
            the heaviest source itself with a new classifier (for a ceiling).
    """

    initialisation: ClassVar[Literal["pretrained", "random", "source"]] = "pretrained"

    @abstractmethod
    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """The phases of training, run by the engine one after the other.

        Args:
            context: Labelled, unlabelled and validation images, embeddings and weights; never
                the test part.

        Raises:
            Declined: The method cannot be used here.
        """


class Distiller(Method):
    """A method that learns from weighted sources.

    Attributes:
        needs: What it reads of a source.
        learns_from: The sources that a strategy weighs, or always the suite's one generalist.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"logits"})
    learns_from: ClassVar[Literal["weighted", "generalist"]] = "weighted"

    def transfer_set(self) -> Transfer | None:
        """Images besides the task's own that it distils on; None for the task's own alone."""
        return None


class Baseline(Method):
    """A method without sources."""


class Task(Component, ABC):
    """A data set to be learnt."""

    @abstractmethod
    def index(self) -> TaskIndex:
        """Classes, parts, labels and fingerprint; decodes no image.

        Raises:
            DataError: The data cannot be used; says which and what to do.
        """

    @abstractmethod
    def read(self, part: str, positions: Sequence[int]) -> Sequence[NDArray[np.uint8]]:
        """Decoded images, RGB, each (h, w, 3) in its original size.

        May be called from several threads at once.

        Raises:
            CorruptImageError: An image cannot be decoded; names it.
        """

    def read_reduced(
        self, part: str, positions: Sequence[int], side: int
    ) -> Sequence[NDArray[np.uint8]]:
        """As `read`; images much larger than a short side of `side` may come smaller.

        Where that is decoded faster: no side below twice `side`.
        """
        return self.read(part, positions)


class Suite(Component, ABC):
    """A named, versioned set of tasks with zoo, student, protocol and settings."""

    @abstractmethod
    def definition(self) -> SuiteDefinition:
        """The suite itself.

        Raises:
            UsageError: It cannot be read.
        """


class Executor(Component, ABC):
    """Gets the units of a plan computed."""

    @abstractmethod
    def drain(self, queue: UnitQueue) -> None:
        """Takes units from the queue until none is left, and reports how each one ended.

        A unit is executed with `distbench.execute_unit(plan_path, unit_id)` in any process of any
        machine that sees the plan file and `$DISTBENCH_HOME`; nothing else is handed over.
        """


KINDS: Mapping[str, type[Component]] = {
    "zoo": Zoo,
    "metric": Metric,
    "strategy": Strategy,
    "student": Student,
    "distiller": Distiller,
    "baseline": Baseline,
    "task": Task,
    "suite": Suite,
    "executor": Executor,
    "reporter": Reporter,
}
"""The kinds by their singular name, in the order in which they are listed."""


def kind_of(cls: Any) -> str:
    """The kind that a class belongs to; empty for anything else."""
    kinds = (k for k, base in KINDS.items() if isinstance(cls, type) and issubclass(cls, base))
    return next(kinds, "")
