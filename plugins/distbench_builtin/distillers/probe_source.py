"""A ceiling without training a network: a linear classifier on the selected source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from distbench import MethodContext, searched
from distbench_builtin.distillers.finetune_source import FineTuneSource
from distbench_builtin.shared.methods.parameters import head_rate

if TYPE_CHECKING:
    from distbench import Phase


class ProbeSource(FineTuneSource):
    """Trains a linear classifier on the heaviest source, which stays as it is: a ceiling.

    What `finetune_source` does with the source's own weights frozen. With the strategy `only` it
    says how good each source's features are for a task, the cheapest oracle that metrics can be
    judged by; metrics of linear separability come close to it by construction (ours).
    """

    lr: float = searched(0.1, low=3e-3, high=10, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase on the labelled images, the source left alone."""
        return [replace(phase, train_backbone=False) for phase in super().phases(context)]
