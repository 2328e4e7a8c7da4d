"""Train the sources on the task, match their predictions, fine-tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import MethodContext, Need, TeacherLogits, TeacherRecipe, searched
from distbench_builtin.shared.methods.transfer_set import joined
from distbench_builtin.shared.methods.two_stages import TwoStageDistiller

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Pool, Targets


class TaskOrientedTransfer(TwoStageDistiller):
    """Trains the sources on the task, matches their target-class predictions, then fine-tunes.

    Vemulapalli et al., "Knowledge Transfer from Vision Foundation Models for Efficient Training of
    Small Task-specific Models", ICML 2024. Three stages: (a) each source becomes a teacher of the
    target classes on the labelled images, by linear probing or by fine-tuning; (b) the student
    matches the teacher's predictions on unlabelled images, temperature^2 * KL(p, q) with p and q
    the softmax of teacher's and student's logits over the temperature, without labels; (c) it is
    fine-tuned on the labels. The paper has one teacher; of several weighted sources p is the
    weighted mixture of their probabilities. As only features are needed, a source without classes
    may take part.

    Teachers take steps of their own, which the row declares; the student's steps are shared between
    (b) and (c). How the paper trains its teachers, its temperature, schedule and batch are unknown;
    the defaults are ours.
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
        """``distil`` on the teachers' predictions, then ``finetune`` on the labels."""
        from distbench import Phase

        recipe = TeacherRecipe(
            fine_tune=self.teaching == "full",
            steps=self.teacher_steps,
            batch=context.protocol.batch,
            lr=self.teacher_lr,
            head_lr=self.teacher_head_lr,
            weight_decay=self.weight_decay,
            strength=self.strength,
        )
        logits = [context.train_teacher(source, recipe) for source in context.sources]
        weights = [source.weight for source in context.sources]

        def teacher(pool: Pool) -> Targets:
            return {"teacher": self.targets(logits, weights, pool, context)}

        distil = Phase(
            steps=0,
            streams=self.streams(context, self.ratio * context.protocol.batch, teacher),
            loss=self.match,
            lr=self.lr,
        )
        return self.then_finetune(distil, context)

    def targets(
        self,
        teachers: Sequence[TeacherLogits],
        weights: Sequence[float],
        pool: Pool,
        context: MethodContext,
    ) -> NDArray[np.float32]:
        """What the student matches on the images of a pool, a row for each: here (n, C)."""
        return mixture(teachers, weights, pool, self.temperature)

    def match(self, student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        """temperature^2 * KL(p, q), the mean over the images."""
        from distbench_builtin.shared.methods.losses import distillation_kl

        images, targets = joined(batch)
        return distillation_kl(student(images), targets["teacher"], self.temperature)


def mixture(
    teachers: Sequence[TeacherLogits], weights: Sequence[float], pool: Pool, temperature: float
) -> NDArray[np.float32]:
    """sum_s alpha_s softmax(z_s / temperature), (n, C): the probabilities of all teachers."""
    from scipy.special import softmax

    total: NDArray[np.float32] | None = None
    for logits, weight in zip(logits_of(teachers, pool), weights, strict=True):
        share = (weight * softmax(logits / temperature, axis=1)).astype(np.float32)
        total = share if total is None else total + share
    if total is None:
        raise ValueError("there is no source")
    return total


def logits_of(teachers: Sequence[TeacherLogits], pool: Pool) -> list[NDArray[np.float32]]:
    """Logits (n, C) of each teacher on the images of a pool."""
    found = []
    for teacher in teachers:
        logits = teacher.train if pool == "train" else teacher.transfer
        if logits is None:
            raise ValueError("the teachers have no logits on a transfer set")
        found.append(logits)
    return found
