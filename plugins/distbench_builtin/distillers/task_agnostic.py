"""Match the sources' features, then fine-tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import MethodContext, Need, searched
from distbench_builtin.shared.methods.transfer_set import joined, which
from distbench_builtin.shared.methods.two_stages import TwoStageDistiller

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Pool, Targets

_BLOCK = 4096


class TaskAgnosticTransfer(TwoStageDistiller):
    """Matches the features of the weighted sources, which know nothing of the task; fine-tunes.

    The alternative that Vemulapalli et al., ICML 2024, compare their task-oriented transfer with:
    the student is first trained so that a linear projection of its features, one for each source,
    matches the source's features on unlabelled images, then fine-tuned on the labels. The losses
    of several sources are summed by their weights; the projections are dropped.

    loss=contrastive: InfoNCE within the batch, both ways, of cosine similarities over the
    temperature (the paper's kind of loss); regression: mean squared error; cosine: 1 - cosine. A
    source's features are standardised first, over the images that are distilled on: a common
    offset, as after a ReLU, would make all of them alike. Temperature, projection and schedule of
    the paper are unknown; the defaults are ours.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})
    kinds: ClassVar = frozenset({"single", "several"})

    loss: Literal["contrastive", "regression", "cosine"] = Field(
        "contrastive", description="how features are matched"
    )
    temperature: float = searched(
        0.1, low=0.03, high=1, log=True, gt=0, description="contrastive: divides similarities"
    )

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` on the sources' features, then ``finetune`` on the labels."""
        import torch

        from distbench import Phase

        names = [source.info.name for source in context.sources]
        widths = [source.info.feature_dim for source in context.sources]
        weights = [source.weight for source in context.sources]
        projection = torch.nn.Linear(context.num_features, sum(widths))

        def features(pool: Pool) -> Targets:
            if pool == "train" or context.transfer is None:
                return {s.info.name: s.embedding.features for s in context.sources}
            return {name: context.transfer.embedding(name).features for name in names}

        pools = self.pools(context)
        given = {pool: features(pool) for pool in pools}
        scales = {
            name: standard([(given[pool][name], chosen) for pool, chosen in pools.items()])
            for name in names
        }

        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            images, targets = joined(batch)
            outputs = projection(student.features(images)).float()  # (b, sum of the widths)
            standardised = [
                (targets[name] - shift.to(outputs.device)) / spread.to(outputs.device)
                for name, (shift, spread) in scales.items()
            ]
            pairs = list(zip(outputs.split(widths, dim=1), standardised, strict=True))
            return self._weighted(pairs, weights, which(batch))

        distil = Phase(
            steps=0,
            streams=self.streams(
                context, self.ratio * context.protocol.batch, lambda pool: given[pool]
            ),
            loss=match,
            lr=self.lr,
            modules={"projection": projection},
        )
        return self.then_finetune(distil, context)

    def _weighted(
        self,
        pairs: Sequence[tuple[torch.Tensor, torch.Tensor]],
        weights: Sequence[float],
        images: torch.Tensor,
    ) -> torch.Tensor:
        """sum_s alpha_s times the loss of predicted and true features of source s, (b, d_s)."""
        import torch

        from distbench_builtin.shared.methods.losses import cosine_distance, info_nce, twins_of

        if self.loss == "contrastive":
            twins = twins_of(images)
            total = torch.zeros((), device=images.device)
            for weight, (predicted, target) in zip(weights, pairs, strict=True):
                total = total + weight * info_nce(predicted, target, self.temperature, twins)
            return total
        distance = cosine_distance if self.loss == "cosine" else torch.nn.functional.mse_loss
        losses = torch.stack([distance(predicted, target) for predicted, target in pairs])  # (s,)
        return losses @ torch.tensor(weights, device=losses.device)  # (s,) @ (s,) -> ()


def standard(
    parts: Sequence[tuple[NDArray[np.floating], NDArray[np.int64]]],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (d,) of features over chosen rows, read block by block.

    Args:
        parts: Features (n, d), perhaps memory-mapped, and positions of the rows.

    Returns:
        float32; the deviation is 1 where all rows are equal.
    """
    import torch

    blocks = [
        (features, chosen[start : start + _BLOCK])
        for features, chosen in parts
        for start in range(0, len(chosen), _BLOCK)
    ]
    count = sum(len(chosen) for _, chosen in parts)
    mean = sum(np.asarray(f[c], np.float64).sum(axis=0) for f, c in blocks) / count
    square = sum(((np.asarray(f[c], np.float64) - mean) ** 2).sum(axis=0) for f, c in blocks)
    spread = np.sqrt(square / count)
    spread = np.where(spread > 1e-6 * np.abs(mean) + 1e-12, spread, 1.0)
    return torch.from_numpy(np.float32(mean)), torch.from_numpy(np.float32(spread))
