"""AdaMatch: FixMatch whose guesses are aligned to, and measured by, the labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distbench import MethodContext, searched
from distbench_builtin.baselines.fixmatch import FixMatch

if TYPE_CHECKING:
    from distbench_builtin.shared.methods.pseudo_label_choice import Choice


class AdaMatch(FixMatch):
    """FixMatch with guesses in the proportions, and by the confidence, of labelled images.

    Berthelot et al., "AdaMatch: A Unified Approach to Semi-Supervised Learning and Domain
    Adaptation", ICLR 2022, as USB has it for semi-supervised learning (Wang et al., NeurIPS 2022):
    probabilities p of an unlabelled weak view become p * m_l / m_u, normalised, with m_l and m_u
    the running means of probabilities on labelled and on unlabelled images. Guess and confidence
    are those of the aligned probabilities; a guess counts where its confidence is at least
    `threshold` times the mean confidence on the batch's labelled images, on weak views both.

    Left out, as in USB: the paper's random interpolation of logits, which ties the statistics of
    two domains, and its ramp of the unlabelled loss. The paper's threshold is 0.9, USB's 0.95; the
    ratios are of single batches in the paper. Running means start at the first batch and fit the
    number of steps (USB: 0.999). All else is as in `fixmatch`.
    """

    threshold: float = searched(
        0.95,
        low=0.4,
        high=0.99,
        ge=0,
        le=1,
        description="confidence that a pseudo-label needs, times the mean on labelled images",
    )

    def choice(self, context: MethodContext) -> Choice:
        """Accepts by a relative threshold on aligned probabilities."""
        from distbench_builtin.shared.methods.aligned_choice import AlignedChoice

        return AlignedChoice(context.protocol.steps, self.threshold)
