"""DistillNearest's weights: all on the best source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench import Strategy
from distbench_builtin.strategies._score_scaling import checked

if TYPE_CHECKING:
    from distbench import Context, SourceInfo


class Nearest(Strategy):
    """The one source with the best score; of equal ones the first.

    With pseudo-labels this is DistillNearest of Borup, Phoo and Hariharan, "Distilling from
    Similar Tasks for Transfer Learning on a Budget", ICCV 2023.

    Example::

        >>> Nearest().weigh([1, 2, 4], sources=[]).round(3).tolist()
        [0.0, 0.0, 1.0]
    """

    def weigh(
        self,
        scores: NDArray[np.float64],
        sources: Sequence[SourceInfo],
        context: Context | None = None,
    ) -> NDArray[np.float64]:
        """Weight 1 for the best source, 0 for the others.

        Raises:
            ValueError: The scores are not finite.
        """
        values = checked(scores)
        weights = np.zeros_like(values)
        weights[values.argmax()] = 1
        return weights
