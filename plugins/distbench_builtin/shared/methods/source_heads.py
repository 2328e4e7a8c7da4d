"""The heads by which a student learns the classes of its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench import MethodContext


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

        from distbench_builtin.shared.methods.losses import SoftTargetCrossEntropy

        infos = [source.info for source in context.sources]
        widths = [info.num_classes for info in infos]
        self.names = [info.name for info in infos]
        self.module = torch.nn.Linear(context.num_features, sum(widths))
        self._cross_entropy = SoftTargetCrossEntropy(
            widths,
            [source.weight for source in context.sources],
            [info.activation == "sigmoid" for info in infos],
            temperature,
        )

    def loss(self, features: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        """Weighted cross-entropy of the heads under the sources' soft targets.

        Args:
            features: (b, d), the student's.
            targets: Logits of each source, (b, c_s).
        """
        loss: torch.Tensor = self._cross_entropy(self.module(features), targets)
        return loss

    @staticmethod
    def cached(context: MethodContext) -> Mapping[str, NDArray[np.floating]]:
        """Logits of every source for the plain train images, by name."""
        return {source.info.name: source.embedding.logits for source in context.sources}
