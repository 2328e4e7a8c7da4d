"""A linear classifier on the features of a source that stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024
"""Rows of features that are held at a time."""


class LinearProbe:
    """scikit-learn's logistic regression on standardised features.

    Args:
        features: (l, d) of the labelled images.
        labels: int64 (l,), two classes or more among them.
        num_classes: How many there are in all.
        strength: Inverse of the L2 penalty.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        labels: NDArray[np.int64],
        num_classes: int,
        strength: float = 1.0,
    ) -> None:
        from sklearn.linear_model import LogisticRegression

        labelled = np.asarray(features, dtype=np.float64)  # (l, d)
        self._mean, self._spread = labelled.mean(axis=0), labelled.std(axis=0)  # (d,), (d,)
        self._spread[self._spread < 1e-12] = 1
        self._num_classes = num_classes
        self._head = LogisticRegression(C=strength, max_iter=2000, tol=1e-6)
        self._head.fit((labelled - self._mean) / self._spread, labels)

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Logits (n, C) of rows (n, d); 0 for a class that was not seen."""
        logits = np.zeros((len(features), self._num_classes), dtype=np.float32)
        for start in range(0, len(features), _BLOCK):
            rows = np.asarray(features[start : start + _BLOCK], np.float64)
            block = (rows - self._mean) / self._spread
            margins: Any = self._head.decision_function(block)  # (b, d) -> (b, seen classes)
            if margins.ndim == 1:  # of two classes there is one margin, (b,)
                margins = np.stack([-margins / 2, margins / 2], axis=1)  # (b, 2)
            logits[start : start + _BLOCK, self._head.classes_] = margins
        return logits
