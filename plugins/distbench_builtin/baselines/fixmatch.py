"""FixMatch: consistency between weak and strong views of unlabelled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from distbench import Baseline, MethodContext, searched
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.pseudo_label_choice import Choice, Selector


PRETRAINED_RATE = 0.01
PUBLISHED_RATE = 0.03


class FixMatch(Baseline):
    """Pseudo-labels confident weak views and learns them on strong views.

    Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence",
    NeurIPS 2020: cross-entropy on labelled images plus `weight` times the mean over the unlabelled
    batch of 1[max p >= threshold] * CE(argmax p, strong view), p from the weak view. Published are
    threshold 0.95, ratio `mu` 7, weight 1, rate 0.03 with Nesterov momentum 0.9, weight decay
    5e-4 on kernels, EMA 0.999 (here fitted to the number of steps), RandAugment and Cutout, and
    one joint pass of all three kinds of views, whose batch statistics are common. The published
    rate falls to 0.2 of its peak by a cosine, ours towards 0, as for every method.

    The published rate is for networks that start from nothing, and there it is the default. A
    pretrained student has 0.01 unless `lr` says otherwise; ``lr=0.03`` is the published one. 0.01
    is the geometric mean, rounded, of the rates of the three best trials in each search on
    development tasks in docs/results (`fixmatch` and `flexmatch` on those of `mini`, `fixmatch` on
    photographs).
    """

    version: ClassVar[int] = 2

    threshold: float = searched(
        0.95, low=0.4, high=0.99, ge=0, le=1, description="confidence that a pseudo-label needs"
    )
    mu: int = Field(7, ge=1, description="unlabelled images for each labelled one")
    weight: float = Field(1.0, ge=0, description="weight of the unlabelled loss")
    lr: float | None = searched(
        None,
        low=5e-4,
        high=0.2,
        log=True,
        gt=0,
        description="peak learning rate; if not given 0.01 for a pretrained student, and the "
        "published 0.03 for one that starts from random weights",
    )
    head_lr: float = head_rate()
    weight_decay: float = weight_penalty()

    def step_images(self, batch: int) -> float:
        """Labelled ones, and each unlabelled one weakly and strongly augmented."""
        return batch * (1 + 2 * self.mu)

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and weak and strong views of unlabelled ones."""
        import torch
        from torch.nn.functional import cross_entropy

        from distbench import Phase, Stream
        from distbench_builtin.shared.methods.losses import masked_cross_entropy

        size, choose = context.protocol.batch, self.choice(context)

        def loss(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            labelled, unlabelled = batch["labelled"], batch["unlabelled"]
            known, weak = labelled.views["weak"], unlabelled.views["weak"]
            # One pass, so that all three kinds of views share their batch statistics.
            logits = student(torch.cat([known, weak, unlabelled.views["strong"]]))  # (l + 2 u, C)
            on_known, on_weak, on_strong = logits.split([len(known), len(weak), len(weak)])
            choose.labelled(on_known)
            guess, weights = choose(on_weak, unlabelled.positions)  # (u,), (u,)
            consistency = masked_cross_entropy(on_strong, guess, weights)
            total = cross_entropy(on_known, labelled.labels) + self.weight * consistency
            penalty = choose.penalty(on_strong, weights)
            return total if penalty is None else total + penalty

        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": Stream(context.labelled, size, labels=context.labels),
                    "unlabelled": Stream(context.unlabelled, self.mu * size, ("weak", "strong")),
                },
                loss=loss,
                lr=self.rate(context),
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
                ema=True,
            )
        ]

    def rate(self, context: MethodContext) -> float:
        """The peak learning rate: the one that is given, else by what the student starts from."""
        if self.lr is not None:
            return self.lr
        return PRETRAINED_RATE if context.pretrained else PUBLISHED_RATE

    def choice(self, context: MethodContext) -> Choice:
        """Which guesses are learnt, and how much each counts."""
        from distbench_builtin.shared.methods.pseudo_label_choice import Choice

        return Choice(self.selector(context))

    def selector(self, context: MethodContext) -> Selector:
        """Which guesses are learnt: confidence, guess and position, each (b,), to bool (b,)."""
        return lambda confidence, guess, positions: confidence >= self.threshold
