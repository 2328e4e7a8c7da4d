"""Accuracy: the share of images that are classified rightly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Measure


class Accuracy(Measure):
    """Share of test images that are given their class.

    One minus the top-1 error of Russakovsky et al., "ImageNet Large Scale Visual Recognition
    Challenge", IJCV 2015. The measure of a task that names no other. What is common counts most:
    where one class has nine of ten images, naming it always reaches 90 %; `balanced_accuracy`
    counts every class alike.
    """

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The share."""
        return float(np.mean(predictions == labels))

    def hits(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> NDArray[np.bool_]:
        """The images that are classified rightly."""
        return np.asarray(predictions == labels)
