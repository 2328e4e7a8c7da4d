"""CA-MKD: teachers weighed for each image, by how well or how surely they tell it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from distbench import MethodContext
from distbench_builtin.distillers.task_oriented import TaskOrientedTransfer, logits_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from distbench import TeacherLogits
    from distbench_builtin.shared.methods.transfer_set import Pool


class CAMKD(TaskOrientedTransfer):
    """Weighs the taught sources image by image, those the more that have the label right.

    Zhang, Chen and Wang, "Confidence-Aware Multi-Teacher Knowledge Distillation", ICASSP 2022:
    of K teachers teacher k counts

        w_k = (1 - exp(L_k) / sum over j of exp(L_j)) / (K - 1)

    for an image, with L_k the cross-entropy of its prediction under the label. The target is the
    mean of their probabilities by w. An image without a label has none to be right about: there L_k
    is the entropy of the prediction, so that a surer teacher counts more. That is ours, and it
    holds for nearly all images here; a teacher that is sure and wrong is not found out by it.

    Published teachers are equal. Here w_k is multiplied by the strategy's weight and normalised,
    which with `equal` is the paper's; a single source counts 1. Left out is the paper's second
    term, on the teachers' last feature maps, which asks for maps of one size. All else is as in
    `task_oriented`; the paper's loss on labels in the same phase comes afterwards here.
    """

    def targets(
        self,
        teachers: Sequence[TeacherLogits],
        weights: Sequence[float],
        pool: Pool,
        context: MethodContext,
    ) -> NDArray[np.float32]:
        """The mean of the teachers' probabilities, weighed image by image, (n, C)."""
        from scipy.special import softmax

        logits = logits_of(teachers, pool)
        known = context.labelled if pool == "train" else np.empty(0, dtype=np.int64)
        unsure = np.stack([losses(z, known, context.labels[known]) for z in logits])  # (s, n)
        shares = confidences(unsure, np.asarray(weights))
        total = np.zeros(logits[0].shape, dtype=np.float32)
        for z, share in zip(logits, shares, strict=True):
            total += share[:, None] * softmax(z / self.temperature, axis=1)  # (n, 1) * (n, C)
        return total


def losses(
    logits: NDArray[np.float32], known: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cross-entropy of the images with labels, entropy of the others, (n,), in nats.

    Args:
        logits: (n, C), of one teacher.
        known: Positions of the images with labels, (l,).
        labels: Theirs, (l,).
    """
    from scipy.special import log_softmax

    log_p = log_softmax(logits.astype(np.float64), axis=1)
    found: NDArray[np.float64] = -(np.exp(log_p) * log_p).sum(axis=1)  # (n, C) -> (n,)
    found[known] = -log_p[known, labels]
    return found


def confidences(unsure: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (s, n) that sum to 1 for each image: alpha_s (1 - softmax of the losses), normalised.

    Args:
        unsure: Losses (s, n) of the teachers.
        weights: alpha_s, (s,).
    """
    from scipy.special import softmax

    if len(unsure) == 1:
        return np.ones_like(unsure)
    shares: NDArray[np.float64] = weights[:, None] * (1 - softmax(unsure, axis=0))
    shares /= shares.sum(axis=0)
    return shares
