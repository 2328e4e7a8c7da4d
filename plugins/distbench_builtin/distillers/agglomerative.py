"""One student of all sources' features at once, as the agglomerative models are; fine-tunes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from distbench import MethodContext, Need, searched
from distbench_builtin.shared.methods.transfer_set import joined
from distbench_builtin.shared.methods.two_stages import TwoStageDistiller

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Pool, Targets


class Agglomerative(TwoStageDistiller):
    """Matches the balanced features of all weighted sources through a head for each; fine-tunes.

    Ranzinger et al., "AM-RADIO: Agglomerative Vision Foundation Model", CVPR 2024: each source has
    a head of two layers on the student's features, and the loss of an image and a source is

        cosine * (1 - cos(h_s, x_s)) + (1 - cosine) * SmoothL1(h_s, x_s)

    with h_s what the head says, x_s the source's features and SmoothL1 the mean over the
    dimensions. AM-RADIO has cosine 0.9 on its spatial features and 1 on the summary; pooled
    features, of which there is one a source here, have both. x_s is standardised by PHI-S
    (Ranzinger et al., 2024; `PhiS`) over the images that are distilled on, so that no source counts
    the more by the size of its features; that paper's own loss is the squared error. The losses are
    summed by the sources' weights (published ones are equal), the heads are dropped, and the
    student is fine-tuned on the labels, which is ours.

    With `drop` teachers are dropped as in UNIC (Sariyildiz et al., "UNIC: Universal Classification
    Models via Multi-teacher Distillation", ECCV 2024): for each image the source of the largest
    loss always counts, each other one is left out with that probability, and what is left is
    divided by the sum of its weights over the batch (0.5 in the authors' code). Width of the heads,
    rates and schedule are ours.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})
    examples: ClassVar[tuple[str, ...]] = ("agglomerative", "agglomerative:drop=0.5")

    cosine: float = searched(
        0.9, low=0, high=1, ge=0, le=1, description="share of the cosine beside SmoothL1"
    )
    drop: float = Field(
        0.0, ge=0, le=1, description="probability that a source is dropped for an image"
    )
    hidden: int = Field(512, ge=1, description="width of a head's hidden layer")

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` on the sources' features, then ``finetune`` on the labels."""
        import torch

        from distbench import Phase
        from distbench_builtin.shared.methods.phi_s import PhiS

        names = [source.info.name for source in context.sources]
        weights = [source.weight for source in context.sources]

        def features(pool: Pool) -> Targets:
            if pool == "train" or context.transfer is None:
                return {s.info.name: s.embedding.features for s in context.sources}
            return {name: context.transfer.embedding(name).features for name in names}

        pools = self.pools(context)
        given = {pool: features(pool) for pool in pools}
        balance = [
            PhiS([(given[pool][n], chosen) for pool, chosen in pools.items()]) for n in names
        ]
        heads = [self.head(context.num_features, s.info.feature_dim) for s in context.sources]

        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            images, targets = joined(batch)
            shared = student.features(images)  # (b, d)
            losses = [
                self.one(head(shared), own(targets[name]))
                for name, head, own in zip(names, heads, balance, strict=True)
            ]
            return self.summed(torch.stack(losses, 1), weights)

        distil = Phase(
            steps=0,
            streams=self.streams(
                context, self.ratio * context.protocol.batch, lambda pool: given[pool]
            ),
            loss=match,
            lr=self.lr,
            # What balances has no weights; it is there to be on the device.
            modules={
                "heads": torch.nn.ModuleList(heads),
                "balance": torch.nn.ModuleList(balance),
            },
        )
        return self.then_finetune(distil, context)

    def head(self, inputs: int, outputs: int) -> torch.nn.Module:
        """Two layers, normalised between, from the student's features to a source's."""
        from torch import nn

        return nn.Sequential(
            nn.Linear(inputs, self.hidden),
            nn.LayerNorm(self.hidden),
            nn.GELU(),
            nn.Linear(self.hidden, outputs),
        )

    def one(self, said: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """The loss of each image (b,), of what a head says and is to say, (b, d_s)."""
        from torch.nn.functional import cosine_similarity, smooth_l1_loss

        said = said.float()
        apart = 1 - cosine_similarity(said, wanted)  # (b,)
        return self.cosine * apart + (1 - self.cosine) * smooth_l1_loss(
            said, wanted, reduction="none"
        ).mean(1)

    def summed(self, losses: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
        """The mean over the images of losses (b, s), by weight, of the sources that are kept."""
        import torch

        shares = torch.tensor(weights, device=losses.device).expand(len(losses), -1)  # (b, s)
        if self.drop:
            kept = (torch.rand(losses.shape) >= self.drop).to(losses.device)
            kept.scatter_(1, losses.detach().argmax(1, keepdim=True), True)
            shares = shares * kept
        return (shares * losses).sum() / shares.sum()
