"""Losses that methods are made of, as functions of tensors: b images, s sources, c classes.

=========================  ====================================================================
`SoftTargetCrossEntropy`   DistillNearest and DistillWeighted (`pseudo_labels`, `joint_labels`)
`distillation_kl`          task-oriented transfer (`task_oriented`)
`info_nce`                 task-agnostic transfer by contrast (`task_agnostic`)
`cosine_distance`          task-agnostic transfer by direction (`task_agnostic:loss=cosine`)
`masked_cross_entropy`     FixMatch, FlexMatch and Pseudo-Label
=========================  ====================================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional as F


class SoftTargetCrossEntropy(torch.nn.Module):
    """Weighted cross-entropy of several heads under soft targets, the loss of DistillWeighted.

    Borup, Phoo and Hariharan, ICCV 2023: sum_s alpha_s CE(p_s, q_s), the mean over the images, with
    p_s = softmax(z_s / temperature) of source s and q_s the softmax of the student's head for it.
    For a source with sigmoid outputs p_s and q_s are sigmoids and the cross-entropy is binary,
    summed over the classes and divided by max(log c_s, 1): an untrained head's cross-entropy is
    log c_s with a softmax and c_s log 2 with sigmoids, and so large a sum would pull at the shared
    features several times harder than a softmax source of the same weight. Sources of equal width
    and kind are computed in one operation.

    Args:
        widths: Classes c_s of each source.
        weights: alpha_s.
        sigmoid: Whether a source's outputs are sigmoids.
        temperature: Divides the sources' logits.
    """

    def __init__(
        self,
        widths: Sequence[int],
        weights: Sequence[float],
        sigmoid: Sequence[bool],
        temperature: float,
    ) -> None:
        super().__init__()
        self._temperature = temperature
        self._widths = list(widths)
        groups: dict[tuple[int, bool], list[int]] = {}
        for number, kind in enumerate(zip(widths, sigmoid, strict=True)):
            groups.setdefault(kind, []).append(number)
        self._groups = [
            (is_sigmoid, members, [weights[m] for m in members])
            for (_, is_sigmoid), members in groups.items()
        ]

    def forward(self, outputs: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss, a scalar.

        Args:
            outputs: (b, sum of c_s), logits of the student's heads side by side.
            targets: Logits of each source, (b, c_s).
        """
        total = outputs.new_zeros((), dtype=torch.float32)
        # One split, not a slice a head: a slice's gradient is as wide as all heads together.
        heads = torch.split(outputs, self._widths, 1)
        for is_sigmoid, members, weights in self._groups:
            student = torch.stack([heads[m] for m in members], 1).float()  # (b, members, c)
            teacher = torch.stack([targets[m] for m in members], 1) / self._temperature
            alpha = torch.tensor(weights, device=student.device)
            if is_sigmoid:
                entropies = F.binary_cross_entropy_with_logits(
                    student, teacher.sigmoid(), reduction="none"
                ).sum(2)  # (b, members, c) -> (b, members)
                entropies = entropies / max(math.log(student.shape[2]), 1.0)
            else:
                entropies = -(teacher.softmax(2) * student.log_softmax(2)).sum(2)  # (b, members)
            total = total + (entropies.mean(0) * alpha).sum()
        return total


def distillation_kl(
    logits: torch.Tensor, teacher: torch.Tensor, temperature: float
) -> torch.Tensor:
    """temperature^2 * KL(p, softmax(logits / temperature)), the mean over the images.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015; the square keeps
    the size of the gradients.

    Args:
        logits: (b, c), the student's.
        teacher: p, (b, c), probabilities at that temperature.
        temperature: Divides the student's logits.
    """
    student = (logits.float() / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(student, teacher, reduction="batchmean")


def info_nce(
    predicted: torch.Tensor, target: torch.Tensor, temperature: float, twins: torch.Tensor
) -> torch.Tensor:
    """InfoNCE of predicted and true features: each image is to find its own in the batch.

    van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018, both
    ways as CLIP has it: the mean of two cross-entropies over the batch, of cosine similarities
    divided by the temperature.

    Args:
        predicted: (b, d).
        target: (b, d).
        temperature: Divides the similarities.
        twins: (b, b), pairs that are no negatives, as `twins_of` gives them.
    """
    own = torch.arange(len(predicted), device=predicted.device)
    # (b, d) @ (d, b) -> (b, b)
    close = F.normalize(predicted.float()) @ F.normalize(target.float()).T / temperature
    close = close.masked_fill(twins, -torch.inf)
    return (F.cross_entropy(close, own) + F.cross_entropy(close.T, own)) / 2


def twins_of(images: torch.Tensor) -> torch.Tensor:
    """Pairs (b, b) of rows that show the same image, but for a row and itself.

    Args:
        images: (b,), which image each row is of.
    """
    twins = images[:, None] == images[None, :]  # (b, 1) == (1, b) -> (b, b)
    return twins.fill_diagonal_(False)


def cosine_distance(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 - cosine of predicted and true features (b, d), the mean over the images."""
    return (1 - F.cosine_similarity(predicted, target)).mean()


def guesses_of(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Confidence max p and class argmax p, each (b,), of logits (b, c); without a gradient."""
    confidence, guess = logits.detach().float().softmax(1).max(1)  # (b, c) -> (b,), (b,)
    return confidence, guess


def masked_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of images by weight, divided by the number of all of them.

    The unlabelled loss of FixMatch (Sohn et al., NeurIPS 2020).

    Args:
        logits: (b, c).
        labels: int64 (b,), pseudo-labels.
        weights: bool (b,), which of them count, or floats (b,), how much.
    """
    return (weights.float() * F.cross_entropy(logits, labels, reduction="none")).mean()
