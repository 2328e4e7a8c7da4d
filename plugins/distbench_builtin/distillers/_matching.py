"""How far a student's outputs are from those of weighted sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Matching:
    """sum_s alpha_s CE(p_s, q_s), sources of equal width and kind in one operation.

    Args:
        widths: Classes of each source.
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
        self._temperature = temperature
        self._widths = list(widths)
        groups: dict[tuple[int, bool], list[int]] = {}
        for number, kind in enumerate(zip(widths, sigmoid, strict=True)):
            groups.setdefault(kind, []).append(number)
        self._groups = [
            (is_sigmoid, members, [weights[m] for m in members])
            for (_, is_sigmoid), members in groups.items()
        ]

    def __call__(self, outputs: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss.

        Args:
            outputs: (b, sum of widths), of the heads side by side.
            targets: Logits of each source, (b, width).
        """
        import torch

        total = outputs.new_zeros((), dtype=torch.float32)
        # One split, not a slice a head: a slice's gradient is as wide as all heads together.
        heads = torch.split(outputs, self._widths, 1)
        for is_sigmoid, members, weights in self._groups:
            ours = torch.stack([heads[m] for m in members], 1).float()
            theirs = torch.stack([targets[m] for m in members], 1) / self._temperature
            alpha = torch.tensor(weights, device=ours.device)
            if is_sigmoid:
                each = torch.nn.functional.binary_cross_entropy_with_logits(
                    ours, theirs.sigmoid(), reduction="none"
                ).sum(2)
            else:
                each = -(theirs.softmax(2) * ours.log_softmax(2)).sum(2)
            total = total + (each.mean(0) * alpha).sum()
        return total


class Contrasting:
    """sum_s alpha_s InfoNCE of predicted and true features: each image is to find its own.

    van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018, both
    ways as CLIP has it: the mean of two cross-entropies over the batch, of cosine similarities
    divided by the temperature. The same image twice in a batch is no negative of itself.

    Args:
        weights: alpha_s.
        temperature: Divides the similarities.
    """

    def __init__(self, weights: Sequence[float], temperature: float) -> None:
        self._weights = weights
        self._temperature = temperature

    def __call__(
        self,
        outputs: Sequence[torch.Tensor],
        targets: Sequence[torch.Tensor],
        images: torch.Tensor,
    ) -> torch.Tensor:
        """The loss.

        Args:
            outputs: Predicted features for each source, (b, d).
            targets: Features of each source, (b, d).
            images: (b,) which image each row is of.
        """
        import torch
        from torch.nn.functional import cross_entropy, normalize

        own = torch.arange(len(images), device=images.device)
        same = images[:, None] == images[None, :]
        same.fill_diagonal_(False)
        total = torch.zeros((), device=images.device)
        for weight, ours, theirs in zip(self._weights, outputs, targets, strict=True):
            close = normalize(ours.float()) @ normalize(theirs.float()).T / self._temperature
            close = close.masked_fill(same, -torch.inf)
            total = total + weight * (cross_entropy(close, own) + cross_entropy(close.T, own)) / 2
        return total
