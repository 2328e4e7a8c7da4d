"""DistillEqual's weights: the same on every source."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench_builtin.strategies._score_scaling import ByScores, Vector


class Equal(ByScores):
    """The same weight for every eligible source, whatever its score.

    With pseudo-labels this is DistillEqual, to which Borup, Phoo and Hariharan, "Distilling from
    Similar Tasks for Transfer Learning on a Budget", ICCV 2023, compare DistillWeighted.

    Example::

        >>> Equal().weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.333, 0.333, 0.333]
    """

    needs_scores: ClassVar[bool] = False

    def unscaled(self, scores: Vector) -> Vector:
        """1 for each."""
        return np.ones_like(scores)
