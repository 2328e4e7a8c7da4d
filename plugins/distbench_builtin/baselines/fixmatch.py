"""FixMatch: consistency between weak and strong views of unlabelled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from distbench import Baseline, MethodContext

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Phase, StudentModel


class FixMatch(Baseline):
    """Pseudo-labels confident weak views and learns them on strong views.

    Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence",
    NeurIPS 2020: cross-entropy on labelled images plus `weight` times the mean over the unlabelled
    batch of 1[max p >= threshold] * CE(argmax p, strong view), p from the weak view. The published
    threshold is 0.95, the ratio `mu` 7, EMA 0.999 (here fitted to the number of steps).
    """

    threshold: float = Field(0.95, ge=0, le=1, description="confidence that a pseudo-label needs")
    mu: int = Field(7, ge=1, description="unlabelled images for each labelled one")
    weight: float = Field(1.0, ge=0, description="weight of the unlabelled loss")
    lr: float = Field(0.03, gt=0, description="peak learning rate")
    head_lr: float = Field(1.0, gt=0, description="learning rate of the classifier, times lr")
    weight_decay: float = Field(5e-4, ge=0)

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and weak and strong views of unlabelled ones."""
        from distbench.training import Phase, Stream

        batch = context.protocol.batch
        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": Stream(context.labelled, batch, labels=context.labels),
                    "unlabelled": Stream(context.unlabelled, self.mu * batch, ("weak", "strong")),
                },
                loss=self.loss,
                lr=self.lr,
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
                ema=True,
            )
        ]

    def loss(self, student: StudentModel, batch: Mapping[str, Batch]) -> torch.Tensor:
        """The loss of one step, from one joint forward pass as in the official code."""
        import torch
        from torch.nn.functional import cross_entropy

        labelled, unlabelled = batch["labelled"], batch["unlabelled"]
        weak, strong = unlabelled.views["weak"], unlabelled.views["strong"]
        logits = student(torch.cat([labelled.views["weak"], weak, strong]))
        on_labelled, on_pairs = logits[: -2 * len(weak)], logits[-2 * len(weak) :]
        on_weak, on_strong = on_pairs.chunk(2)
        confidence, guess = on_weak.detach().float().softmax(1).max(1)
        accepted = (confidence >= self.threshold).float()
        consistency = cross_entropy(on_strong, guess, reduction="none")
        supervised = cross_entropy(on_labelled, labelled.labels)
        loss: torch.Tensor = supervised + self.weight * (accepted * consistency).mean()
        return loss
