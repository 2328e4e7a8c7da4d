"""Fine-tuning, and logits that are adjusted for how often each class was seen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import Declined, Inference, MethodContext, TrainedStudent, searched
from distbench_builtin.baselines.finetune import FineTune


class LogitAdjusted(FineTune):
    """Fine-tunes as `finetune`, and then takes tau times the log share of each class off its logit.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, the adjustment after
    training (their equation 9), with the shares among the labelled images. Where every class has
    as many of them it changes nothing. It goes into the bias, so it costs nothing.
    """

    kinds: ClassVar = frozenset({"single"})

    tau: float = searched(
        1.0, low=0.0, high=3.0, ge=0, description="how much of the log share is taken off"
    )

    def inference(self, context: MethodContext, student: TrainedStudent) -> Inference:
        """The adjustment."""
        counts = np.bincount(context.labels[context.labelled], minlength=context.num_classes)
        if not counts.all():
            name = context.classes[int(counts.argmin())]
            raise Declined(f"class {name!r} has no labelled image, so the logarithm of its share")
        return Inference(adjust=-self.tau * np.log(counts / counts.sum()))
