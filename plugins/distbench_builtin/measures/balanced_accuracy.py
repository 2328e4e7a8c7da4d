"""Balanced accuracy: every class counts alike, however many images it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Measure


class BalancedAccuracy(Measure):
    """Mean over the classes of the test part of the share of their images that are found.

    Brodersen et al., "The Balanced Accuracy and Its Posterior Distribution", ICPR 2010. For tasks
    whose classes are of unequal size, as in skin lesions. Classes without a test image do not
    count.
    """

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The mean recall."""
        right = predictions == labels
        return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))
