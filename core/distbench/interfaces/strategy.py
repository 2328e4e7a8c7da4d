"""The contract of strategies: from the scores of the sources to their weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from distbench.interfaces.context import Context
    from distbench.interfaces.zoo import SourceInfo


class Strategy(Component, ABC):
    """Turns the scores of the eligible sources into weights."""

    needs_scores: ClassVar[bool] = True

    @abstractmethod
    def weigh(
        self,
        scores: NDArray[np.float64],
        sources: Sequence[SourceInfo],
        context: Context | None = None,
    ) -> NDArray[np.float64]:
        """Weights >= 0 that sum to 1.

        Args:
            scores: (s,), finite; zeros where the strategy needs none.
            sources: s eligible sources, in the order of the scores.
            context: Embeddings and labels of labelled and validation images, read when asked
                for; None where there are scores alone (`distbench.rank` of arrays). `distbench
                rank` asks without first, and with it where the strategy declines.

        Raises:
            Declined: The strategy cannot be used here, or not without a context.
        """
