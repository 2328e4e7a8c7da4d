"""DistillNearest's weights: all on the best source."""

from __future__ import annotations

import numpy as np

from distbench_builtin.strategies._score_scaling import ByScores, Vector


class Nearest(ByScores):
    """The one source with the best score; of equal ones the first.

    With pseudo-labels this is DistillNearest of Borup, Phoo and Hariharan, "Distilling from
    Similar Tasks for Transfer Learning on a Budget", ICCV 2023.

    Example::

        >>> Nearest().weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.0, 0.0, 1.0]
    """

    def unscaled(self, scores: Vector) -> Vector:
        """1 for the best source, 0 for the others."""
        weights = np.zeros_like(scores)
        weights[scores.argmax()] = 1
        return weights
