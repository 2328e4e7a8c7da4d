"""Weights by the softmax of the normalised scores."""

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


class Softmax(ByScores):
    """Softmax of the normalised scores.

    ``w_i = exp(e_i / T) / sum_s exp(e_s / T)`` with e the scores on a scale 0..1 over the eligible
    sources, as in `Weighted`. An alternative to DistillWeighted (Borup, Phoo and Hariharan,
    "Distilling from Similar Tasks for Transfer Learning on a Budget", ICCV 2023) that leaves no
    source without weight; it and the default temperature are ours, not the paper's.

    Example::

        >>> Softmax(temperature=1).weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.23, 0.321, 0.448]
    """

    version: ClassVar[int] = 2

    temperature: float = searched(
        0.1,
        low=0.02,
        high=1,
        log=True,
        primary=True,
        gt=0,
        description="towards 0 the best only, towards inf all sources alike",
    )
    normalise: Normalise = choice_of_scale()

    def unscaled(self, scores: Vector) -> Vector:
        """Exponentials of the normalised scores."""
        parts = scaled(scores, self.normalise)
        behind = parts - parts.max()
        with np.errstate(over="ignore"):  # a tiny temperature sends all but the best to exp(-inf)
            weights: Vector = np.exp(behind / self.temperature)
        return weights
