"""Fine-tuning on the labelled images alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from distbench import Baseline, MethodContext, searched

if TYPE_CHECKING:
    from distbench import Phase


class FineTune(Baseline):
    """Fine-tunes the pretrained student on the labelled images.

    The baseline "IN+Transfer" of Borup et al., ICCV 2023. Its settings there are unknown; these
    defaults are ours.
    """

    lr: float = searched(0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate")
    head_lr: float = searched(
        1.0,
        low=0.5,
        high=50,
        log=True,
        gt=0,
        description="learning rate of the classifier, times lr",
    )
    weight_decay: float = searched(
        5e-4, low=1e-5, high=0.05, log=True, ge=0, description="L2 penalty"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase of cross-entropy on the labelled images."""
        from torch.nn.functional import cross_entropy

        from distbench.training import Phase, Stream

        return [
            Phase(
                steps=context.protocol.steps,
                streams={
                    "labelled": Stream(
                        context.labelled, context.protocol.batch, labels=context.labels
                    )
                },
                loss=lambda student, batch: cross_entropy(
                    student(batch["labelled"].views["weak"]), batch["labelled"].labels
                ),
                lr=self.lr,
                head_lr=self.head_lr,
                weight_decay=self.weight_decay,
            )
        ]
