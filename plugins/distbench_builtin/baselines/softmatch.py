"""SoftMatch: FixMatch in which every guess counts, by how confident it is for its batch's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from distbench import MethodContext
from distbench_builtin.baselines.fixmatch import FixMatch

if TYPE_CHECKING:
    from distbench_builtin.shared.methods.pseudo_label_choice import Choice


class SoftMatch(FixMatch):
    """FixMatch with a weight for every guess instead of a threshold.

    Chen et al., "SoftMatch: Addressing the Quantity-Quality Tradeoff in Semi-Supervised Learning",
    ICLR 2023: a guess of confidence c counts exp(-(min(c - m, 0))^2 / (2 s^2 / n^2)), a Gaussian
    cut off at its mean, with m and s^2 running mean and variance of confidences and n = `sigmas`
    (published 2). Confidences are taken after uniform alignment: probabilities are divided by
    their running mean and normalised, so that classes guessed too often count less; the guesses
    themselves are not aligned. Running means fit the number of steps (published 0.999). All else
    is as in `fixmatch`; `threshold` is of no account.
    """

    sigmas: float = Field(2.0, gt=0, description="how many deviations below the mean still count")

    def choice(self, context: MethodContext) -> Choice:
        """Weights by a truncated Gaussian of aligned confidences."""
        from distbench_builtin.shared.methods.soft_choices import SoftChoice

        return SoftChoice(context.num_classes, context.protocol.steps, self.sigmas)
