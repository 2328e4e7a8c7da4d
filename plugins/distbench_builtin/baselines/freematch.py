"""FreeMatch: FixMatch whose thresholds, for all and for each class, set themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from distbench import MethodContext
from distbench_builtin.baselines.fixmatch import FixMatch

if TYPE_CHECKING:
    from distbench_builtin.shared.methods.pseudo_label_choice import Choice


class FreeMatch(FixMatch):
    """FixMatch with thresholds that follow the student's confidence, and a fairness of classes.

    Wang et al., "FreeMatch: Self-adaptive Thresholding for Semi-supervised Learning", ICLR 2023:
    the threshold of all is the running mean of confidences, that of class c the same times
    p(c) / max p, with p the running mean of probabilities. The fairness term adds
    `fairness` * sum over c of a(c) log b(c), with a the normalised p / h and b the same of the
    accepted strong views in the batch; h are running and batch histograms of guesses (a class
    without any is left out). Published: fairness 0.001 to 0.05. Running means fit the number of
    steps (published 0.999). All else is as in `fixmatch`; `threshold` is of no account.
    """

    fairness: float = Field(0.01, ge=0, description="weight of the fairness of classes")

    def choice(self, context: MethodContext) -> Choice:
        """Accepts by self-adaptive thresholds."""
        from distbench_builtin.shared.methods.soft_choices import FreeChoice

        return FreeChoice(context.num_classes, context.protocol.steps, self.fairness)
