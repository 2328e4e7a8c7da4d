"""The worst class: what a student does where it does least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Measure


class WorstClass(Measure):
    """Lowest share of images found among the classes of the test part.

    The accuracy of the worst group of Sagawa et al., "Distributionally Robust Neural Networks for
    Group Shifts", ICLR 2020, with the classes as groups. With few images a class it is a lowest of
    noisy shares and so an underestimate, the more the more classes there are.
    """

    @property
    def title(self) -> str:
        """In words."""
        return "accuracy of the worst class"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The lowest recall."""
        right = predictions == labels
        return float(min(right[labels == c].mean() for c in np.unique(labels)))
