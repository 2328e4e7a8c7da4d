"""Each class against all others: a value of two-class problems for every class that has both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def over_classes(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    value: Callable[[NDArray[np.bool_], NDArray[np.float64]], Any],
) -> list[float]:
    """What each class gives that some images show and others do not.

    Args:
        labels: (m,) class numbers; or (m, c) with 1, 0 and, where it is not known, -1.
        probabilities: (m, c).
        value: From which images show the class (n,) and its probabilities there (n,) to a number.
    """
    values = []
    for c, probability in enumerate(probabilities.T):  # (m,)
        if labels.ndim == 1:
            shows, of = labels == c, probability
        else:
            known = labels[:, c] >= 0
            shows, of = labels[known, c] == 1, probability[known]
        if shows.any() and not shows.all():
            values.append(float(value(shows, of)))
    return values
