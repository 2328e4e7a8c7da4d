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


Need = Literal["features", "logits", "reference", "source_info", "zoo"]
"""What a metric or a distiller reads of a source; ``zoo``: all sources together."""


class Metric(Component, ABC):
    """Scores how well a source fits a task; higher is better.

    Attributes:
        needs: What it reads of a probe; ``zoo`` for one that compares all sources by `score_all`.
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
