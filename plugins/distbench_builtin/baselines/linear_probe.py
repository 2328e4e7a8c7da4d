"""A linear classifier on the frozen student."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from distbench import Baseline, MethodContext, searched
from distbench_builtin.shared.methods.labelled_phase import labelled_phase

if TYPE_CHECKING:
    from distbench import Phase


class LinearProbing(Baseline):
    """Trains the classifier alone on the features of the pretrained student, which stays as it is.

    The cheapest way to use a pretrained network (see Kornblith, Shlens and Le, "Do Better ImageNet
    Models Transfer Better?", CVPR 2019, which compares it with fine-tuning): cross-entropy on
    augmented labelled images, within the steps that every method has. What it lacks to
    `finetune` is what adapting the features is worth. The settings are ours.
    """

    kinds: ClassVar = frozenset({"single", "several"})

    lr: float = searched(0.1, low=3e-3, high=10, log=True, gt=0, description="peak learning rate")
    weight_decay: float = searched(
        5e-4, low=1e-6, high=0.1, log=True, ge=0, description="L2 penalty"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase on the labelled images, the backbone left alone."""
        return [
            labelled_phase(
                context, train_backbone=False, lr=self.lr, weight_decay=self.weight_decay
            )
        ]
