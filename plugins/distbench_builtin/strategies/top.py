"""Equal weights on the few best sources."""

from __future__ import annotations

import numpy as np

from distbench import searched
from distbench_builtin.strategies._score_scaling import ByScores, Vector


class Top(ByScores):
    """The k sources with the best scores, each with the same weight; of equal ones the first.

    Between DistillNearest (k = 1) and DistillEqual (k = all) of Borup, Phoo and Hariharan,
    "Distilling from Similar Tasks for Transfer Learning on a Budget", ICCV 2023; the default k is
    our choice.

    Example::

        >>> Top(k=2).weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.0, 0.5, 0.5]
    """

    k: int = searched(
        4,
        low=1,
        high=12,
        primary=True,
        ge=1,
        description="how many sources; all where there are fewer",
    )

    def unscaled(self, scores: Vector) -> Vector:
        """1 for each of the k best, 0 for the others."""
        weights = np.zeros_like(scores)
        weights[np.argsort(-scores, kind="stable")[: self.k]] = 1
        return weights
