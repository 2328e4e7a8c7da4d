"""F1: precision and recall of each class in one number."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Declined, Measure


class F1(Measure):
    """Harmonic mean of precision and recall of each class, mean over the classes.

    Van Rijsbergen, "Information Retrieval", 1979. A class counts that occurs among labels or
    predictions, with 0 where nothing of it is found: the macro average of scikit-learn.
    """

    kinds: ClassVar = frozenset({"single", "several"})

    @property
    def title(self) -> str:
        """With how it is averaged."""
        return "macro F1"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The mean F1."""
        from sklearn.metrics import f1_score

        if labels.ndim == 1:
            return float(f1_score(labels, predictions, average="macro", zero_division=0))
        known = labels >= 0
        pairs = [
            (labels[rows, c], predictions[rows, c]) for c, rows in enumerate(known.T) if rows.any()
        ]  # of each class (m_c,), the images of which it is known
        values = [f1_score(y, p, zero_division=0) for y, p in pairs if y.any() or p.any()]
        if not values:
            raise Declined("no class occurs among labels or predictions")
        return float(np.mean(values))
