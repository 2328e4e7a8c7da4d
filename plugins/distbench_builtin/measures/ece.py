"""ECE: whether a student is as often right as it says."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from distbench import Measure


class ECE(Measure):
    """Expected calibration error: confidence against accuracy in 15 bins; lower is better.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: images are put into bins of
    equal width by the probability of their predicted class, and ``sum over bins of n_b / m *
    |accuracy_b - confidence_b|`` is the error. A bin holds its upper edge and not its lower one.
    It says nothing of how often a student is right: guessing with the confidence of a guess is
    calibrated. With few images a bin it is too high by chance.
    """

    higher_is_better: ClassVar = False
    needs: ClassVar = frozenset({"probabilities"})

    bins: int = Field(15, ge=1, le=10_000, description="bins of equal width")

    @property
    def title(self) -> str:
        """With its bins where they are others than usual."""
        return "calibration error" + (f" ({self.bins} bins)" if self.bins != 15 else "")

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The error."""
        images = np.arange(len(labels))
        confidence = np.asarray(probabilities)[images, predictions]  # (m, c) -> (m,)
        right = (predictions == labels).astype(np.float64)
        edges = np.linspace(0, 1, self.bins + 1)[1:-1]  # those between two bins
        number = np.digitize(confidence, edges, right=True)  # (m,) in 0..bins - 1
        # n_b |accuracy_b - confidence_b| is the size of the sum of right - confidence in bin b.
        gaps = np.bincount(number, right - confidence, minlength=self.bins)  # (m,) -> (bins,)
        return float(np.abs(gaps).sum()) / len(labels)
