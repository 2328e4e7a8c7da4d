"""Task-oriented transfer with other ways to match the teachers' predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from distbench import Declined, MethodContext, searched
from distbench_builtin.distillers.task_oriented import TaskOrientedTransfer, logits_of, mixture
from distbench_builtin.shared.methods.transfer_set import joined

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, Phase, TeacherLogits
    from distbench_builtin.shared.methods.transfer_set import Pool


class LogitMatching(TaskOrientedTransfer):
    """Matches the predictions of taught sources by a loss of one's choice, then fine-tunes.

    Sources become teachers of the target's classes, and the student is fine-tuned at last, as in
    `task_oriented` (Vemulapalli et al., ICML 2024); in between it matches them by `loss`:

    - kl: divergence (Hinton, Vinyals and Dean, 2015), which is `task_oriented`.
    - dkd: the likeliest class beside the rest, and the rest among themselves, with weights `alpha`
      and `beta` of their own (Zhao et al., CVPR 2022; published alpha 1, beta 0.5 to 8).
    - dist: correlations over an image's classes and over a class's images in the batch, with
      weights `alpha` and `beta` (Huang et al., NeurIPS 2022; published 1 to 2 each).
    - standardised: divergence of logits that are standardised image by image, the student's too
      (Sun et al., CVPR 2024; published temperature 2): their order and shape count, not their size.

    Several sources are one teacher, the mixture p of their probabilities by weight; that is ours,
    the papers have one. kl is then the weighted mean of the sources' divergences but for a
    constant. dkd and dist are not linear in p: dkd's target class is the mixture's likeliest, and
    correlations are those with the mixture, not a mean of correlations. With standardised each
    source's logits are standardised before they are mixed, so that no source weighs more by being
    surer. The papers know the labels and add a loss on them to the same phase; here the images have
    none (dkd's target is the teacher's guess) and the labels come afterwards.

    With two classes standardised logits are the same for every image, and that loss is declined;
    dkd and dist have one term less there.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "logit_matching",
        "logit_matching:loss=dkd",
        "logit_matching:loss=dist",
        "logit_matching:loss=standardised",
    )

    loss: Literal["kl", "dkd", "dist", "standardised"] = Field(
        "kl", description="how predictions are matched"
    )
    alpha: float = Field(
        1.0, ge=0, description="dkd: weight of the target class; dist: of correlations over classes"
    )
    beta: float = searched(
        1.0,
        low=0.25,
        high=8,
        log=True,
        ge=0,
        description="dkd: weight of the other classes; dist: of correlations over images",
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` on the teachers' predictions, then ``finetune`` on the labels.

        Raises:
            Declined: Logits of two classes are to be standardised.
        """
        if self.loss == "standardised" and context.num_classes < 3:
            raise Declined(
                "two logits that are standardised are +-0.71 for every image; take another loss"
            )
        return super().phases(context)

    def targets(
        self,
        teachers: Sequence[TeacherLogits],
        weights: Sequence[float],
        pool: Pool,
        context: MethodContext,
    ) -> NDArray[np.float32]:
        """The mixture of probabilities (n, C), of standardised logits where the loss says so."""
        if self.loss != "standardised":
            return mixture(teachers, weights, pool, self.temperature)
        import torch

        from distbench_builtin.shared.methods.logit_losses import standardised_logits

        total = torch.zeros(())
        for logits, weight in zip(logits_of(teachers, pool), weights, strict=True):
            z = standardised_logits(torch.tensor(logits)) / self.temperature
            total = total + weight * z.softmax(1)
        mixed: NDArray[np.float32] = total.numpy()
        return mixed

    def match(self, student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        """The loss of the student's logits on the batch, a scalar."""
        from distbench_builtin.shared.methods import logit_losses
        from distbench_builtin.shared.methods.losses import distillation_kl

        images, targets = joined(batch)
        logits, teacher = student(images), targets["teacher"]
        settings = (self.temperature, self.alpha, self.beta)
        if self.loss == "dkd":
            return logit_losses.decoupled_kl(logits, teacher, *settings)
        if self.loss == "dist":
            return logit_losses.correlation_loss(logits, teacher, *settings)
        if self.loss == "standardised":
            logits = logit_losses.standardised_logits(logits)
        return distillation_kl(logits, teacher, self.temperature)
