"""DistillWeighted's weights: a power of the normalised scores."""

from __future__ import annotations

import numpy as np

from distbench import searched
from distbench_builtin.strategies._score_scaling import ByScores, Vector, minmax


class Weighted(ByScores):
    """Weights proportional to a power of the min-max normalised scores.

    ``w_i = e_i^p / sum_s e_s^p`` with e the scores mapped to 0..1 over the eligible sources: with
    pseudo-labels this is DistillWeighted of Borup, Phoo and Hariharan, "Distilling from Similar
    Tasks for Transfer Learning on a Budget", ICCV 2023. The paper's exponent and normalisation are
    not known to us: the default power of 9 and min-max are our choice. The worst source gets no
    weight unless the power is 0, which is `Equal`; an infinite power is `Nearest`, but shares the
    weight among equal best scores.

    Example::

        >>> Weighted(power=1).weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.0, 0.25, 0.75]
    """

    power: float = searched(
        9.0,
        low=1,
        high=24,
        primary=True,
        ge=0,
        description="0 weighs all sources alike, inf takes the best only",
    )

    def unscaled(self, scores: Vector) -> Vector:
        """Normalised scores to the power; one source or equal scores: 1 each."""
        # IEEE powers give both limits: 0**0 = 1, and x**inf is 1 for x = 1, else 0.
        return np.power(minmax(scores), self.power)
