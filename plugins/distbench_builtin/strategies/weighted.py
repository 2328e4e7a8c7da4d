"""DistillWeighted's weights: a power of the normalised scores."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import searched
from distbench_builtin.strategies._score_scaling import (
    ByScores,
    Normalise,
    Vector,
    choice_of_scale,
    scaled,
)


class Weighted(ByScores):
    """Weights proportional to a power of the normalised scores.

    ``w_i = e_i^p / sum_s e_s^p`` with e the scores on a scale 0..1 over the eligible sources: with
    pseudo-labels this is DistillWeighted of Borup, Phoo and Hariharan, "Distilling from Similar
    Tasks for Transfer Learning on a Budget", ICCV 2023. The paper's exponent and normalisation are
    not known to us: the defaults, places and their ninth power, are ours and were chosen on
    development tasks (docs/results/scales.md). Of places the order alone counts, so that metrics
    are compared by how they rank. With ``normalise=minmax``, nearest to the paper, the worst source
    gets no weight unless the power is 0, of two sources the better one gets everything, and one
    broken source makes all others alike; a power suits the shape of one metric's scale. Power 0 is
    `Equal`; an infinite power is `Nearest`, but shares the weight among equal best scores.

    Example::

        >>> Weighted(power=1).weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.167, 0.333, 0.5]
        >>> Weighted(power=1, normalise="minmax").weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.0, 0.25, 0.75]
    """

    version: ClassVar[int] = 2

    power: float = searched(
        9.0,
        low=1,
        high=24,
        primary=True,
        ge=0,
        description="0 weighs all sources alike, inf takes the best only",
    )
    normalise: Normalise = choice_of_scale()

    def unscaled(self, scores: Vector) -> Vector:
        """Normalised scores, as shares of the best one's, to the power."""
        parts = scaled(scores, self.normalise)
        # IEEE powers give both limits: 0**0 = 1, and x**inf is 1 for x = 1, else 0.
        weights: Vector = np.power(parts / parts.max(), self.power)
        return weights
