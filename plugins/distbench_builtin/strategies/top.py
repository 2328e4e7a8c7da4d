"""Equal weights on the few best sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench import Strategy, searched
from distbench_builtin.strategies._score_scaling import checked, share

if TYPE_CHECKING:
    from distbench import Context, SourceInfo


class Top(Strategy):
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

    def weigh(
        self,
        scores: NDArray[np.float64],
        sources: Sequence[SourceInfo],
        context: Context | None = None,
    ) -> NDArray[np.float64]:
        """Weight 1/k for each of the k best, 0 for the others.

        Raises:
            ValueError: The scores are not finite.
        """
        values = checked(scores)
        chosen = np.zeros_like(values)
        chosen[np.argsort(-values, kind="stable")[: self.k]] = 1
        return share(chosen)
