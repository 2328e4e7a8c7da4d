"""Teach the task to the sources, match what they say of it, fine-tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import MethodContext, Need, Taught, Teaching, searched
from distbench_builtin.shared.methods.transfer_set import joined
from distbench_builtin.shared.methods.two_stages import TwoStageDistiller

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Place, Targets


class TaskOriented(TwoStageDistiller):
    """Teaches the task to the sources, matches their target-class predictions, then fine-tunes.

    Vemulapalli et al., "Knowledge Transfer from Vision Foundation Models for Efficient Training of
    Small Task-specific Models", ICML 2024. Three stages: (a) each source is taught the target
    classes from the labelled images, by a linear classifier on its features or as a whole; (b) the
    student matches what it then says of unlabelled images, temperature^2 * KL(p, q) with p and q
    the softmax of teacher's and student's logits over the temperature, without labels; (c) it is
    fine-tuned on the labels. The paper has one teacher; of several weighted sources p is the
    weighted mixture of their probabilities. As only features are needed, a source without classes
    may take part.

    Teaching takes steps of its own, which the row declares; student's steps are shared between (b)
    and (c). How the paper teaches, its temperature, schedule and batch are unknown; the defaults
    are ours.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})

    temperature: float = searched(
        1.0, low=0.5, high=8, log=True, gt=0, description="divides teachers' and student's logits"
    )
    teaching: Literal["linear", "full"] = Field(
        "linear", description="train a linear classifier on each source's features, or all of it"
    )
    strength: float = searched(
        0.1,
        low=1e-3,
        high=10,
        log=True,
        gt=0,
        description="linear: inverse of the classifier's L2 penalty, on standardised features",
    )
    teacher_steps: int = Field(200, ge=1, description="full: steps of training each source")
    teacher_lr: float = Field(0.01, gt=0, description="full: peak learning rate of each source")
    teacher_head_lr: float = Field(
        10.0, gt=0, description="full: learning rate of its classifier, times teacher_lr"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` on what the taught sources say, then ``finetune`` on the labels."""
        from distbench import Phase

        teaching = Teaching(
            backbone=self.teaching == "full",
            steps=self.teacher_steps,
            batch=context.protocol.batch,
            lr=self.teacher_lr,
            head_lr=self.teacher_head_lr,
            weight_decay=self.weight_decay,
            strength=self.strength,
        )
        taught = [context.teach(source, teaching) for source in context.sources]
        weights = [source.weight for source in context.sources]

        def teachers(place: Place) -> Targets:
            return {"teacher": mixture(taught, weights, place, self.temperature)}

        distil = Phase(
            steps=0,
            streams=self.streams(context, self.ratio * context.protocol.batch, teachers),
            loss=self.match,
            lr=self.lr,
        )
        return self.then_finetune(distil, context)

    def match(self, student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        """temperature^2 * KL(p, q), the mean over the images."""
        from distbench_builtin.shared.methods.losses import distillation_kl

        images, targets = joined(batch)
        return distillation_kl(student(images), targets["teacher"], self.temperature)


def mixture(
    taught: Sequence[Taught], weights: Sequence[float], place: Place, temperature: float
) -> NDArray[np.float32]:
    """sum_s alpha_s softmax(z_s / temperature), (n, C): what the taught sources say together."""
    from scipy.special import softmax

    found: NDArray[np.float32] | None = None
    for one, weight in zip(taught, weights, strict=True):
        logits = one.train if place == "train" else one.transfer
        if logits is None:
            raise ValueError("nothing was taught about a transfer set")
        said = (weight * softmax(logits / temperature, axis=1)).astype(np.float32)
        found = said if found is None else found + said
    if found is None:
        raise ValueError("there is no source")
    return found
