"""Sources that are fine-tuned in several sparing ways vote; the student learns the votes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import (
    Declined,
    Distiller,
    MethodContext,
    Need,
    TeacherLogits,
    TeacherRecipe,
    searched,
)
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import (
    head_rate,
    joint_rate,
    label_share,
    unlabelled_ratio,
    unlabelled_view,
    weight_penalty,
)
from distbench_builtin.shared.methods.with_labels import phase_with_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from distbench import Phase


class PeftEnsemble(OnUnlabelled, Distiller):
    """Fine-tunes sources in several parameter-efficient ways; learns what they vote for.

    In the spirit of Zhang et al., "Revisiting Semi-Supervised Learning in the Era of Foundation
    Models", NeurIPS 2025: (a) each source is fine-tuned on the labelled images in several ways that
    train few of its weights; (b) each of these teachers names one class for each unlabelled image,
    and the share of the votes is the label, for which it does not matter how sure teachers are;
    (c) the student learns

        lam * CE(labels) + (1 - lam) * mean over unlabelled images of CE(votes, q)

    with q its prediction on a view. A teacher's vote counts alpha_s, shared by its source's ways.

    What differs from the paper: there the student is one of the foundation models itself, here the
    small one; teachers count by the strategy's weights (with `equal` they count alike, as there);
    the ways are those that convolutional networks have too: low-rank changes of the weights (lora)
    and training biases and normalisations alone (bias), where the paper has LoRA and AdaptFormer.
    No more than `most` sources are taught, the heaviest, since each takes a training for each way;
    those that have no trainable form, as ONNX files have none, are passed over. All else is ours.

    Differs from `joint_linear` in the teachers alone: there one linear classifier on the frozen
    sources together. Teachers take steps of their own, which the row declares.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})

    ways: Annotated[tuple[Literal["lora", "bias"], ...], Field(min_length=1)] = Field(
        ("lora", "bias"), description="how each source is fine-tuned"
    )
    most: int = Field(4, ge=1, description="sources that are fine-tuned at most, the heaviest")
    rank: int = Field(4, ge=1, description="lora: of the change of each weight")
    teacher_steps: int = Field(200, ge=1, description="steps of training each teacher")
    teacher_lr: float = searched(
        0.01, low=1e-3, high=0.05, log=True, gt=0, description="peak learning rate of each teacher"
    )
    teacher_head_lr: float = Field(
        10.0, gt=0, description="learning rate of its classifier, times teacher_lr"
    )
    lam: float = label_share()
    view: Literal["weak", "strong"] = unlabelled_view()
    lr: float = joint_rate()
    head_lr: float = head_rate()
    ratio: int = unlabelled_ratio()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with the teachers' votes."""
        return [phase_with_labels(self, context, self.targets(context))]

    def targets(self, context: MethodContext) -> NDArray[np.float32]:
        """Shares of the votes (n, C); of a labelled image its label has all.

        Raises:
            Declined: No source can be trained.
        """
        # Of equal weights those that come first, by name, so that rows do not depend on the order.
        heaviest = sorted(context.sources, key=lambda one: (-one.weight, one.info.name))
        teachers: list[TeacherLogits] = []
        weights: list[float] = []
        for source in heaviest:
            if len(teachers) == self.most * len(self.ways):
                break
            with suppress(Declined):  # it has no form that can be trained
                own = [
                    context.train_teacher(source, self._recipe(way, context)) for way in self.ways
                ]
                teachers += own
                weights += [source.weight] * len(own)
        if not teachers:
            raise Declined("none of the sources can be trained: they have no torch module")
        shares = votes([teacher.train for teacher in teachers], weights)
        labels = context.labels[context.labelled]
        shares[context.labelled] = np.eye(context.num_classes, dtype=np.float32)[labels]
        return shares

    def _recipe(self, way: Literal["lora", "bias"], context: MethodContext) -> TeacherRecipe:
        from distbench_builtin.shared.methods.peft import adapting

        return TeacherRecipe(
            fine_tune=True,
            steps=self.teacher_steps,
            batch=context.protocol.batch,
            lr=self.teacher_lr,
            head_lr=self.teacher_head_lr,
            weight_decay=self.weight_decay,
            adapt=adapting(way, self.rank),
        )


def votes(logits: Sequence[NDArray[np.floating]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Share (n, C) of the weight whose logits (n, C) are highest at a class; ties go to the first.

    Args:
        logits: Of each teacher, (n, C).
        weights: Theirs, >= 0; their sum is of no account.
    """
    shares = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    total = np.zeros(logits[0].shape, dtype=np.float32)
    for z, share in zip(logits, shares, strict=True):
        total[np.arange(len(z)), z.argmax(axis=1)] += np.float32(share)
    return total
