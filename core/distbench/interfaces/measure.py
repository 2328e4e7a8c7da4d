"""The contract of measures: what the answers of a trained student on test images are worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Target = Literal["single", "several"]
"""What a task asks of an image: its one class, or which of several classes it shows."""

Answer = Literal["classes", "probabilities"]
"""What a student says of images: the predicted classes, and how probable each class is."""

Unit = Literal["percent", "plain"]
"""Whether values are shares, shown as percent, or shown as they are."""


class Measure(Component, ABC):
    """Judges a student by its answers on the test images.

    Labels, predictions and probabilities are those of the same m images, c classes, in one order;
    all three are read-only. Of a task with one class an image (``single``) labels and predictions
    are class numbers. Where an image may show several classes (``several``) both are matrices:
    labels hold 1, 0 and, where it is not known, -1; predictions 1 where the probability is 0.5 or
    more, and 0.

    Attributes:
        higher_is_better: Which way methods are ranked by it.
        needs: What it reads; one that does not name probabilities is given none, and so has a
            value for results that were kept without.
        kinds: On which tasks it is defined.
        unit: ``percent`` for values in 0..1, which tables show as percent; ``plain`` for others.
    """

    higher_is_better: ClassVar[bool] = True
    needs: ClassVar[frozenset[Answer]] = frozenset({"classes"})
    kinds: ClassVar[frozenset[Target]] = frozenset({"single"})
    unit: ClassVar[Unit] = "percent"

    @abstractmethod
    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """What the answers are worth; it does not depend on the order of the images.

        Args:
            labels: (m,), m >= 1; (m, c) where an image may show several classes.
            predictions: Of the same shape.
            probabilities: (m, c), each row summing to 1 unless an image may show several classes;
                None unless `needs` names them.

        Raises:
            Declined: It is not defined on these images, as where a class is missing.
        """

    def hits(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> NDArray[np.bool_] | None:
        """Which images count, where `value` is the share of those; intervals are over them then.

        Args:
            labels: As `value` has them.
            predictions: As `value` has them.
            probabilities: As `value` has them.

        Returns:
            (m,); None for a measure that is no share of images: its intervals are by a jackknife
            over blocks of them, for which `value` is asked twenty times a cell.
        """
        return None

    @property
    def title(self) -> str:
        """What tables and pictures call it, in words."""
        return self.label.replace("_", " ")
