"""How well logits order images, where these may show several classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_average_precision(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float | None:
    """The mean over the classes of the average precision, which is that over the images of a class.

    Precision at an image is the share of those with at least its logit that show the class, so that
    equal logits are one step (the measure ``map`` has the same values).

    Args:
        logits: (m, c).
        labels: (m, c): 1 where an image shows a class, 0 where not, -1 where it is not judged.

    Returns:
        None where no class is shown by some images and not by others.
    """
    values = []
    for scores, truth in zip(logits.T, labels.T, strict=True):  # (m,), (m,)
        scores, shown = scores[truth >= 0], truth[truth >= 0] == 1
        if not shown.any() or shown.all():
            continue
        order = np.sort(scores)
        own = scores[shown]  # (p,)
        above = len(order) - np.searchsorted(order, own, side="left")
        right = len(own) - np.searchsorted(np.sort(own), own, side="left")
        values.append(float((right / above).mean()))
    return float(np.mean(values)) if values else None
