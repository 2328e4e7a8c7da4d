"""LP-FT: the classifier first, then all of the student."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from distbench import Baseline, MethodContext, Phase, Stream, searched
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    import torch

    from distbench import Batches, Classifier


class LinearProbingThenFineTuning(Baseline):
    """Trains a linear classifier on the student as it is, then fine-tunes both from there.

    Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", ICLR 2022. Both phases have the same images; their rates and how the
    steps are shared are parameters, with defaults of ours.
    """

    kinds: ClassVar = frozenset({"single", "several"})

    share: float = searched(
        0.5, low=0.1, high=0.9, gt=0, lt=1, description="of the steps, those of linear probing"
    )
    probe_lr: float = searched(
        0.1, low=1e-3, high=1, log=True, gt=0, description="peak learning rate of linear probing"
    )
    lr: float = searched(
        0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate of fine-tuning"
    )
    head_lr: float = head_rate(1.0, "learning rate of the classifier while fine-tuning, times lr")
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """Linear probing, then fine-tuning; of a single step the latter alone."""
        from distbench_builtin.shared.methods.labelled_loss import labelled_loss

        def loss(student: Classifier, batch: Batches) -> torch.Tensor:
            shown = batch["labelled"]
            return labelled_loss(student(shown.views["weak"]), shown.labels)

        def phase(name: str, steps: int, lr: float, head_lr: float) -> Phase:
            stream = Stream(context.labelled, context.protocol.batch, labels=context.labels)
            return Phase(
                steps=steps,
                streams={"labelled": stream},
                loss=loss,
                lr=lr,
                head_lr=head_lr,
                weight_decay=self.weight_decay,
                train_backbone=name == "fine-tune",
                name=name,
            )

        steps = context.protocol.steps
        probing = min(round(self.share * steps), steps - 1)
        tuned = phase("fine-tune", steps - probing, self.lr, self.head_lr)
        return [phase("probe", probing, self.probe_lr, 1.0), tuned] if probing else [tuned]
