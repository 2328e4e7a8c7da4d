"""Top-k accuracy: the class of an image is among the k most probable ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Declined, Measure, primary


class Top5(Measure):
    """Share of test images whose class is among the k most probable, five unless said otherwise.

    Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015. Of classes
    that are equally probable those of lower number come first. Not defined with k classes or
    fewer, where every answer would be right.
    """

    needs: ClassVar = frozenset({"probabilities"})

    k: int = primary(5, ge=1, description="how many classes may be named")

    @property
    def title(self) -> str:
        """With its k."""
        return f"top-{self.k} accuracy"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The share."""
        return float(self.hits(labels, predictions, probabilities).mean())

    def hits(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> NDArray[np.bool_]:
        """The images whose class is named."""
        given = np.asarray(probabilities)
        if given.shape[1] <= self.k:
            raise Declined(
                f"there are {given.shape[1]} classes, so any {self.k} hold the right one"
            )
        first = np.argsort(-given, axis=1, kind="stable")[:, : self.k]  # (m, c) -> (m, k)
        return np.asarray((first == labels[:, None]).any(axis=1))  # (m, k) -> (m,)
