"""The contract of metrics: from probes of all sources on a task to one score for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from distbench.interfaces.component import Component
from distbench.interfaces.measure import Target

if TYPE_CHECKING:
    from distbench.errors import Declined
    from distbench.interfaces.labels import Labels
    from distbench.interfaces.probe import Probe


Need = Literal[
    "features", "logits", "text", "reference", "source_info", "zoo", "context", "images", "module"
]
"""What a metric or a distiller reads of a source; ``text``: what it makes of sentences, so that
sources that read none are left out; ``zoo``: all sources together. ``context``,
``images`` and ``module`` are of metrics alone: class names, unlabelled and validation images, the
pixels, and the source itself with its gradients."""
BEYOND: frozenset[Need] = frozenset({"context", "images", "module"})
"""Needs that the labelled images' features and logits do not serve."""


class Metric(Component, ABC):
    """Scores how well a source fits a task; higher is better.

    Attributes:
        needs: What it reads of a probe; ``zoo`` for one that compares all sources by `score_all`.
            With ``context``, ``images`` or ``module`` whole tasks are embedded, also by
            `distbench rank`, and there is no score from arrays.
        kinds: On which tasks it is defined, as `Measure.kinds` says it. One that names ``several``
            is given labels of such tasks too, whose `Labels.several` is true.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})
    kinds: ClassVar[frozenset[Target]] = frozenset({"single"})

    def needed(self) -> frozenset[Need]:
        """What it needs with its parameters: `needs`, unless a parameter changes that."""
        return self.needs

    def undefined(self, labels: Labels) -> Declined | None:
        """Why it is not defined on images with such labels; None where it is."""
        from distbench import errors

        if not labels.several or "several" in self.kinds:
            return None
        return errors.Declined("needs images of one class each, and these may show several")

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
                return self.score(probe)
            except errors.Declined as reason:
                return reason

        return [one(probe) for probe in probes]


class SetMetric(Metric):
    """Scores how well several sources together fit a task; as a metric, each source alone.

    Strategies look for the best team by it, e.g. ``team:by=e_leep``.
    """

    @abstractmethod
    def score_set(self, probes: Sequence[Probe]) -> float:
        """The score of a team whose members have the same weight; higher is better.

        Args:
            probes: Of the same images, one for each member; their order does not matter.

        Raises:
            Declined: The metric is not defined on these probes.
        """

    def score(self, probe: Probe) -> float:
        """The score of a team of one."""
        return self.score_set([probe])
