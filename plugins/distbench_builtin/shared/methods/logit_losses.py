"""Ways to match a teacher's prediction of the target's classes: b images, c classes.

=====================  ======================================================================
`decoupled_kl`         DKD: the likeliest class and all others matched apart
`correlation_loss`     DIST: correlations over classes and over images
`standardised_logits`  logit standardisation: the shape of the logits without their size
=====================  ======================================================================

A teacher is its probabilities, so that a mixture of several is one too.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

_LEAST = 1e-7


def decoupled_kl(
    logits: torch.Tensor, teacher: torch.Tensor, temperature: float, alpha: float, beta: float
) -> torch.Tensor:
    """temperature^2 (alpha KL(target class beside the rest) + beta KL(the rest among themselves)).

    Zhao et al., "Decoupled Knowledge Distillation", CVPR 2022, the mean over the images. Without a
    label the target class is the teacher's likeliest.

    Args:
        logits: (b, c), the student's.
        teacher: (b, c), probabilities at that temperature.
        temperature: Divides the student's logits.
        alpha: Weight of the target class.
        beta: Weight of the others.
    """
    target = F.one_hot(teacher.argmax(1), teacher.shape[1]).bool()  # (b, c)
    log_q = (logits.float() / temperature).log_softmax(1)
    p, others = teacher[target], teacher[~target].view(len(teacher), -1)  # (b,), (b, c - 1)
    # The probability of all others as their sum: 1 - p would be round-off where p is near 1.
    rest, log_rest = others.sum(1), log_q[~target].view(len(teacher), -1).logsumexp(1)  # (b,)
    log_pair = torch.stack([log_q[target], log_rest], 1)  # (b, 2)
    beside = F.kl_div(log_pair, torch.stack([p, rest], 1), reduction="batchmean")
    share = others / rest.clamp_min(1e-12)[:, None]
    log_share = log_q[~target].view(len(teacher), -1) - log_rest[:, None]
    among = F.kl_div(log_share, share, reduction="batchmean")
    return temperature**2 * (alpha * beside + beta * among)


def correlation_loss(
    logits: torch.Tensor, teacher: torch.Tensor, temperature: float, beta: float, gamma: float
) -> torch.Tensor:
    """temperature^2 (beta (1 - mean Pearson of rows) + gamma (1 - mean Pearson of columns)).

    Huang et al., "Knowledge Distillation from A Stronger Teacher" (DIST), NeurIPS 2022: an image's
    classes are to rank alike, and so are a class's images in the batch.

    Args:
        logits: (b, c), the student's.
        teacher: (b, c), probabilities at that temperature.
        temperature: Divides the student's logits.
        beta: Weight of the correlation over classes.
        gamma: Weight of the correlation over images.
    """
    q = (logits.float() / temperature).softmax(1)
    over_classes, over_images = pearson(q, teacher).mean(), pearson(q.T, teacher.T).mean()
    return temperature**2 * (beta * (1 - over_classes) + gamma * (1 - over_images))


def pearson(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of rows (m, k), (m,); 0 for a row of equal numbers."""
    centred = (one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True))
    return F.cosine_similarity(*centred, dim=1)


def standardised_logits(logits: torch.Tensor) -> torch.Tensor:
    """(z - mean) / (deviation + 1e-7) of each row (b, c), as its authors have it (n - 1).

    Sun et al., "Logit Standardization in Knowledge Distillation", CVPR 2024.
    """
    z = logits.float()
    return (z - z.mean(1, keepdim=True)) / (z.std(1, keepdim=True) + _LEAST)
