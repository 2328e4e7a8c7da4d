"""The loss on labels, whether an image has one class or may show several."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def labelled_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of images of one class; binary cross-entropy where they may show several.

    The former is torch's `cross_entropy`. The latter is its `binary_cross_entropy_with_logits`, the
    mean over images and classes; what is not known of an image (-1) has no part in it.

    Args:
        logits: (b, c).
        labels: int64, (b,) class numbers, or (b, c) of 1, 0 and -1.

    Returns:
        A scalar.
    """
    if labels.ndim == 1:
        return cross_entropy(logits, labels)
    known = (labels >= 0).float()
    shown = (labels == 1).float()
    total = binary_cross_entropy_with_logits(logits.float(), shown, weight=known, reduction="sum")
    return total / known.sum().clamp(min=1)


def class_probabilities(logits: torch.Tensor, several: bool) -> torch.Tensor:
    """Softmax of logits (b, c), or where an image may show several classes the sigmoid of each."""
    wide = logits.float()
    return wide.sigmoid() if several else wide.softmax(1)
