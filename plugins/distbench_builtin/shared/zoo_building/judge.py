"""How good a trained source model is on its own test images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ACCURACY = "accuracy"
PRECISION = "mean average precision"


class Figure(NamedTuple):
    """A figure of merit in 0..1.

    Attributes:
        what: Its name.
        value: The figure.
        images: On how many images.
    """

    what: str
    value: float
    images: int


def judge(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Figure:
    """Accuracy; of multi-label data the mean average precision over the classes.

    Args:
        logits: (n, c).
        labels: (n,), or (n, c) with 1, 0, and -1 where a class is not to be judged. A class
            without a positive image does not count.
    """
    if labels.ndim == 1:
        return Figure(ACCURACY, float(np.mean(logits.argmax(1) == labels)), len(labels))
    from sklearn.metrics import average_precision_score

    values: list[Any] = []
    for scores, truth in zip(logits.T, labels.T, strict=True):
        judged = truth >= 0
        if (truth[judged] == 1).any():
            values.append(average_precision_score(truth[judged], scores[judged]))
    return Figure(PRECISION, float(np.mean(values)) if values else 0.0, len(labels))
