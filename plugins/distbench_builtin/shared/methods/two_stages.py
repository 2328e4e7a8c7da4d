"""Distil first, then fine-tune on the labels, within one budget of steps."""

from __future__ import annotations

from abc import ABC
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from distbench import MethodContext, searched
from distbench_builtin.shared.methods.labelled_phase import labelled_phase
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty
from distbench_builtin.shared.methods.transfer_set import TransferDistiller

if TYPE_CHECKING:
    from distbench import Phase


class TwoStageDistiller(TransferDistiller, ABC):
    """A phase ``distil`` without labels and a phase ``finetune`` on them, within one budget."""

    share: float = searched(
        0.6, low=0.2, high=0.9, gt=0, le=1, description="share of the steps that distil"
    )
    lr: float = searched(
        0.03, low=1e-3, high=0.3, log=True, gt=0, description="peak learning rate of distilling"
    )
    head_lr: float = head_rate(
        description="learning rate, times lr, of what is on the features while distilling"
    )
    finetune_lr: float = searched(
        0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate of fine-tuning"
    )
    finetune_head_lr: float = head_rate(
        description="learning rate of the classifier while fine-tuning, times finetune_lr"
    )
    ratio: int = Field(
        2, ge=1, description="images of a distilling step, times the labelled ones of a step"
    )
    weight_decay: float = weight_penalty()

    def step_images(self, batch: int) -> float:
        """The mean over the steps that distil and those that learn labels."""
        return batch * (self.share * self.ratio + 1 - self.share)

    def then_finetune(self, distil: Phase, context: MethodContext) -> list[Phase]:
        """The two phases, with the steps of the protocol shared out between them.

        Args:
            distil: The first phase, whose own number of steps is of no account.
            context: What the method sees.
        """
        steps = context.protocol.steps
        first = min(max(round(self.share * steps), 1), steps)
        finetune = labelled_phase(
            context,
            steps=steps - first,
            lr=self.finetune_lr,
            head_lr=self.finetune_head_lr,
            weight_decay=self.weight_decay,
            name="finetune",
        )
        distil = replace(
            distil,
            steps=first,
            lr=self.lr,
            head_lr=self.head_lr,
            module_lr=dict.fromkeys(distil.modules, self.head_lr),
            weight_decay=self.weight_decay,
            name="distil",
        )
        return [distil, finetune] if finetune.steps else [distil]
