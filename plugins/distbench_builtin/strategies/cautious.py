"""As sharp as the labels allow: weights that leave the equal average where that is shown to pay."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Context, Strategy, primary
from distbench_builtin.strategies._left_out import left_out
from distbench_builtin.strategies._score_scaling import (
    Normalise,
    Sources,
    Vector,
    choice_of_scale,
    share,
)
from distbench_builtin.strategies.weighted import Weighted

POWERS = (0.0, 1.0, 2.0, 4.0, 9.0, math.inf)
"""From equal weights to the best source alone."""


class Cautious(Strategy):
    """`Weighted`, with the power that the labelled images speak for, or equal weights.

    Ours. For each power of `POWERS` the linear probes on all sources are mixed by its weights, and
    say of each labelled image what they have learnt from the others; how much less each image's
    squared error is than that of the equal mixture is a sample of what sharper weights gain. The
    power is taken whose mean gain less `margin` standard errors is the largest: equal weights,
    whose gain is 0, wherever no other's is shown. Where no source is near, all powers do alike and
    few images cannot tell them apart, and the safety of the average is kept; where one is, its
    probe is right where others' are not, and a few images show it.
    """

    examples: ClassVar[tuple[str, ...]] = ("cautious", "cautious:margin=2")

    margin: float = primary(
        1.0, ge=0, description="standard errors by which a gain over equal weights must be above 0"
    )
    normalise: Normalise = choice_of_scale()

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """Weights of the power that is chosen.

        Raises:
            Declined: There is no context.
        """
        outputs, truth = left_out(context, sources, "cautious")
        weights = np.stack(
            [
                share(Weighted(power=power, normalise=self.normalise).unscaled(scores))
                for power in POWERS
            ]
        )  # (p, s)
        chosen: Vector = weights[sharpest(outputs, truth, weights, self.margin)]
        return chosen


def sharpest(
    outputs: NDArray[np.float64], truth: NDArray[np.float64], weights: Vector, margin: float
) -> int:
    """Which mixture is shown to err least, the first where none is shown to be better.

    Args:
        outputs: (s, n, C), of s probes on n images that they have not seen.
        truth: (n, C).
        weights: (p, s), of p mixtures.
        margin: Standard errors by which the mean gain over the first has to be above 0.
    """
    mixed = np.tensordot(weights, outputs, axes=1)  # (p, n, C)
    errors = ((mixed - truth) ** 2).sum(axis=2)  # (p, n)
    gains = errors[0] - errors  # (p, n)
    spread = gains.std(axis=1, ddof=1) / math.sqrt(gains.shape[1])
    return int((gains.mean(axis=1) - margin * spread).argmax())
