"""Mean Teacher: consistency with the moving average of the student itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from distbench import Baseline, MethodContext, Phase, Stream, searched
from distbench_builtin.baselines.fixmatch import PRETRAINED_RATE, PUBLISHED_RATE
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    import torch

    from distbench import Batches, Classifier


class MeanTeacher(Baseline):
    """Has the student agree with its own moving average on another view of the image.

    Tarvainen and Valpola, "Mean teachers are better role models: Weight-averaged consistency
    targets improve semi-supervised deep learning results", NeurIPS 2017: cross-entropy on labelled
    images plus `weight` times the mean squared difference of both networks' probabilities on two
    draws of an unlabelled image, ramped up by exp(-5 (1 - t)^2) over the first `ramp` of the steps.
    The average is judged; its memory fits the number of steps (published 0.99, then 0.999). The
    teacher's batch statistics are its own running ones, not those of the batch; that is ours, as
    are the rates. Where an image may show several classes, a probability is the sigmoid of a class
    and the loss on labels binary (`labelled_loss`).
    """

    kinds: ClassVar = frozenset({"single", "several"})

    weight: float = searched(
        10.0, low=0.3, high=100, log=True, gt=0, description="weight of the consistency, in the end"
    )
    ramp: float = Field(0.4, gt=0, le=1, description="share of the steps until that weight")
    mu: int = Field(3, ge=1, description="unlabelled images for each labelled one")
    lr: float | None = searched(
        None,
        low=5e-4,
        high=0.2,
        log=True,
        gt=0,
        description="peak learning rate; if not given 0.01 for a pretrained student, 0.03 for one "
        "that starts from random weights",
    )
    head_lr: float = head_rate()
    weight_decay: float = weight_penalty()

    def step_images(self, batch: int) -> float:
        """Labelled and unlabelled ones, and those that the teacher sees, forward alone."""
        return batch * (1 + self.mu + self.mu / 3)

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and two draws of unlabelled ones."""
        import torch
        from torch.nn.functional import mse_loss

        from distbench_builtin.shared.methods.labelled_loss import (
            class_probabilities,
            labelled_loss,
        )

        several = context.several

        def loss(student: Classifier, batch: Batches) -> torch.Tensor:
            labelled, unlabelled = batch["labelled"], batch["unlabelled"]
            known, one = labelled.views["weak"], unlabelled.views["one"]
            logits = student(torch.cat([known, one]))  # (l + u, C)
            on_known, on_one = logits.split([len(known), len(one)])
            average = batch.average(unlabelled.views["other"])  # (u, C)
            wanted = class_probabilities(average, several)
            consistency = mse_loss(class_probabilities(on_one, several), wanted)
            weight = self.weight * self.share(batch.step, batch.steps)
            return labelled_loss(on_known, labelled.labels) + weight * consistency

        size = context.protocol.batch
        usual = PRETRAINED_RATE if context.pretrained else PUBLISHED_RATE
        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": Stream(context.labelled, size, labels=context.labels),
                    "unlabelled": Stream(
                        context.unlabelled, self.mu * size, {"one": "weak", "other": "weak"}
                    ),
                },
                loss=loss,
                lr=usual if self.lr is None else self.lr,
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
                ema="teacher",
            )
        ]

    def share(self, step: int, steps: int) -> float:
        """How much of the consistency counts in a step, up to 1."""
        done = min(step / (self.ramp * steps), 1.0)
        return math.exp(-5 * (1 - done) ** 2)
