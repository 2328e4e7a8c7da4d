"""Self-training: the student's own confident guesses as labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from pydantic import Field

from distbench import Baseline, MethodContext, searched
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, Phase


class PseudoLabel(OnUnlabelled, Baseline):
    """Learns the most likely class of unlabelled images as if it were their label.

    Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural
    Networks", ICML workshop 2013: cross-entropy on labelled images plus alpha(t) times that of
    unlabelled images under the class that the student itself finds most likely at that moment.
    alpha grows linearly from 0 to its final value, 3 in the paper, which counts in epochs of a
    network trained from nothing; here it grows over a share of the steps. Only guesses of at least
    `threshold` count, as is usual since (the paper takes all: 0), and the mean is over the whole
    batch. Threshold, final weight and ramp are our defaults.
    """

    threshold: float = searched(
        0.95, low=0.0, high=0.99, ge=0, le=1, description="confidence that a guess needs"
    )
    weight: float = searched(
        1.0, low=0.1, high=3, log=True, ge=0, description="final weight of the unlabelled loss"
    )
    ramp: float = Field(0.4, ge=0, le=1, description="share of the steps over which it grows")
    ratio: int = Field(1, ge=1, description="unlabelled images for each labelled one")
    lr: float = searched(0.03, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled and unlabelled images."""
        import torch
        from torch.nn.functional import cross_entropy

        from distbench import Phase, Stream
        from distbench_builtin.shared.methods.losses import guesses_of, masked_cross_entropy

        steps, batch_size = context.protocol.steps, context.protocol.batch
        done = count()

        def loss(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            labelled, unlabelled = batch["labelled"], batch["unlabelled"]
            known = labelled.views["weak"]
            logits = student(torch.cat([known, unlabelled.views["weak"]]))  # (l + u, C)
            on_known, on_unlabelled = logits.split([len(known), len(logits) - len(known)])
            confidence, guess = guesses_of(on_unlabelled)
            own = masked_cross_entropy(on_unlabelled, guess, confidence >= self.threshold)
            return cross_entropy(on_known, labelled.labels) + self.alpha(next(done), steps) * own

        return [
            Phase(
                steps=steps,
                streams={
                    "labelled": Stream(context.labelled, batch_size, labels=context.labels),
                    "unlabelled": Stream(context.unlabelled, self.ratio * batch_size),
                },
                loss=loss,
                lr=self.lr,
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
            )
        ]

    def alpha(self, done: int, steps: int) -> float:
        """Weight of the unlabelled loss after so many of all steps."""
        grown = done / (self.ramp * steps) if self.ramp else 1.0
        return self.weight * min(grown, 1.0)
