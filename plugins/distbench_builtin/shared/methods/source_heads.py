"""How far a student's outputs are from those of weighted sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench import MethodContext


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


class SourceHeads:
    """Linear heads on the student's features, one for each weighted source, in its own classes.

    Args:
        context: Has the sources, their weights and cached outputs.
        temperature: Divides the sources' logits.

    Attributes:
        module: All heads side by side; a phase trains it along.
        names: Of the sources, in the order of the heads.
    """

    def __init__(self, context: MethodContext, temperature: float) -> None:
        import torch

        infos = [source.info for source in context.sources]
        widths = [info.num_classes for info in infos]
        self.names = [info.name for info in infos]
        self.module = torch.nn.Linear(context.num_features, sum(widths))
        self._matching = Matching(
            widths,
            [source.weight for source in context.sources],
            [info.activation == "sigmoid" for info in infos],
            temperature,
        )

    def loss(self, features: torch.Tensor, said: Sequence[torch.Tensor]) -> torch.Tensor:
        """How far the heads are from what the sources say.

        Args:
            features: (b, d), the student's.
            said: Logits of each source, (b, width).
        """
        return self._matching(self.module(features), said)

    @staticmethod
    def cached(context: MethodContext) -> Mapping[str, NDArray[np.floating]]:
        """Logits of every source for the plain train images, by name."""
        return {source.info.name: source.embedding.logits for source in context.sources}


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
