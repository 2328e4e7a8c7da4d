"""Fine-tuning on the labelled images alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from distbench import Baseline, MethodContext, searched
from distbench_builtin.shared.methods.labelled_phase import labelled_phase
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    from distbench import Phase


class FineTune(Baseline):
    """Fine-tunes the pretrained student on the labelled images.

    The baseline "IN+Transfer" of Borup et al., ICCV 2023. Its settings there are unknown; these
    defaults are ours.
    """

    kinds: ClassVar = frozenset({"single", "several"})

    lr: float = searched(0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase on the labelled images."""
        return [
            labelled_phase(
                context, lr=self.lr, head_lr=self.head_lr, weight_decay=self.weight_decay
            )
        ]
