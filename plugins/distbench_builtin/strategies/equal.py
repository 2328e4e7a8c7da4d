"""DistillEqual's weights: the same on every source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Strategy
from distbench_builtin.strategies._score_scaling import checked, share

if TYPE_CHECKING:
    from distbench import Context, SourceInfo


class Equal(Strategy):
    """The same weight for every eligible source, whatever its score.

    With pseudo-labels this is DistillEqual, to which Borup, Phoo and Hariharan, "Distilling from
    Similar Tasks for Transfer Learning on a Budget", ICCV 2023, compare DistillWeighted.

    Example::

        >>> Equal().weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.333, 0.333, 0.333]
    """

    needs_scores: ClassVar[bool] = False

    def weigh(
        self,
        scores: NDArray[np.float64],
        sources: Sequence[SourceInfo],
        context: Context | None = None,
    ) -> NDArray[np.float64]:
        """Weight 1/s for each of the s sources.

        Raises:
            ValueError: There is no source.
        """
        return share(np.ones_like(checked(scores)))
