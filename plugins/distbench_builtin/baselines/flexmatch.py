"""FlexMatch: FixMatch whose threshold is lower for classes that are learnt less well so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distbench import MethodContext
from distbench_builtin.baselines.fixmatch import FixMatch

if TYPE_CHECKING:
    import torch

    from distbench_builtin.shared.methods.pseudo_label_choice import Selector


class FlexMatch(FixMatch):
    """FixMatch with a threshold of its own for every class, which follows how well it is learnt.

    Zhang et al., "FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo Labeling",
    NeurIPS 2021: sigma(c) counts the unlabelled images whose last guess above `threshold` was c;
    beta(c) = sigma(c) / max(max sigma, images without such a guess) is how well c is learnt, the
    second term being the warm-up; a guess of class c is accepted from M(beta(c)) * threshold on,
    with the published convex mapping M(x) = x / (2 - x). All else is as in `fixmatch`. So the
    thresholds start at 0 and rise as images are recognised. "Last" counts batches: the thresholds
    of a batch come from those before it.
    """

    def selector(self, context: MethodContext) -> Selector:
        """Accepts by thresholds of classes, and keeps account of what was guessed confidently."""
        import torch

        pool = len(context.unlabelled)
        last = torch.full((len(context.labels),), -1)  # the class of an image, once there is one

        def select(
            confidence: torch.Tensor, guess: torch.Tensor, positions: torch.Tensor
        ) -> torch.Tensor:
            nonlocal last
            last = last.to(guess.device)
            learnt = torch.bincount(last[last >= 0], minlength=context.num_classes).float()  # (C,)
            unused = pool - learnt.sum()
            status = learnt / torch.maximum(learnt.max(), unused)  # (C,)
            thresholds = self.threshold * status / (2 - status)
            sure = confidence >= self.threshold
            last[positions[sure]] = guess[sure]
            return confidence >= thresholds[guess]  # (C,)[(b,)] -> (b,)

        return select
