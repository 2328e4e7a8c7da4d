"""AE-KD: teachers weighed anew in each step, where their gradients pull together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from distbench import MethodContext, searched
from distbench_builtin.distillers.task_oriented import TaskOrientedTransfer, logits_of
from distbench_builtin.shared.methods.transfer_set import joined

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, Phase, TeacherLogits
    from distbench_builtin.shared.methods.transfer_set import Pool


class AEKD(TaskOrientedTransfer):
    """Weighs the taught sources in each step so that their mean gradient is the shortest.

    Du et al., "Agree to Disagree: Adaptive Ensemble Knowledge Distillation in Gradient Space",
    NeurIPS 2020: distilling from several teachers is several objectives, and the step that serves
    all of them goes along the shortest vector in the hull of their gradients::

        w = argmin | sum over s of w_s g_s |^2,   0 <= w_s <= C,  sum of w_s = 1

    with g_s the gradient of teacher s's divergence with respect to the student's logits, q - p_s
    but for a constant. The loss is the mean of the divergences by w, which has no gradient itself.
    As in the authors' code g_s is the mean over the batch, one w for each step; ``over=image``
    weighs each image by itself, which is ours.

    Published teachers are equal. Here the strategy's weights alpha are in the bounds, C_s = `reach`
    * alpha_s and 1 at most: at reach 1 w is alpha and the loss that of `task_oriented` but for a
    constant, far above 1 w is free. The published C of 0.6 is reach 1.8 with three teachers, the
    default. All else is as in `task_oriented`; the paper's loss on labels in the same phase comes
    afterwards here.
    """

    reach: float = searched(
        1.8, low=1, high=8, log=True, ge=1, description="bound of a weight, times the strategy's"
    )
    over: Literal["batch", "image"] = Field(
        "batch", description="one weight of a source for all images of a step, or one for each"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` with weights of each step, then ``finetune`` on the labels."""
        from dataclasses import replace

        distil, *rest = super().phases(context)
        alpha = [source.weight for source in context.sources]

        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            images, targets = joined(batch)
            return self.adaptive(student(images), targets["teacher"], alpha)

        return [replace(distil, loss=match), *rest]

    def targets(
        self,
        teachers: Sequence[TeacherLogits],
        weights: Sequence[float],
        pool: Pool,
        context: MethodContext,
    ) -> NDArray[np.float32]:
        """Probabilities of every teacher, (n, s, C)."""
        from scipy.special import softmax

        logits = np.stack(logits_of(teachers, pool), axis=1)
        said: NDArray[np.float32] = softmax(logits / self.temperature, axis=2).astype(np.float32)
        return said

    def adaptive(
        self, logits: torch.Tensor, teachers: torch.Tensor, alpha: Sequence[float]
    ) -> torch.Tensor:
        """temperature^2 times the weighted mean of KL(p_s, q), the mean over the images.

        Args:
            logits: (b, C), the student's.
            teachers: (b, s, C), probabilities at the temperature.
            alpha: (s,), the strategy's weights.
        """
        import torch

        from distbench_builtin.shared.methods.min_norm import min_norm_weights

        log_q = (logits.float() / self.temperature).log_softmax(1)[:, None]  # (b, 1, C)
        gradients = log_q.detach().exp() - teachers  # (b, s, C)
        if self.over == "batch":
            gradients = gradients.mean(0, keepdim=True)  # (1, s, C)
        gram = gradients.double() @ gradients.double().mT  # (b or 1, s, s)
        most = (self.reach * torch.tensor(alpha, device=logits.device)).clamp(max=1)
        w = min_norm_weights(gram, most).float()
        divergences = (torch.xlogy(teachers, teachers) - teachers * log_q).sum(2)  # (b, s)
        return self.temperature**2 * (w * divergences).sum(1).mean()
