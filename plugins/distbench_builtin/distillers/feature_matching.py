"""Match features or layers of the sources by the field's known losses, then fine-tune."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from distbench import Declined, MethodContext, Need, UsageError, WeightedSource, searched
from distbench_builtin.shared.methods.transfer_set import joined, which
from distbench_builtin.shared.methods.two_stages import TwoStageDistiller

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, Phase
    from distbench_builtin.shared.methods.transfer_set import Pool, Targets

    Match = Callable[[Classifier, Mapping[str, Batch]], torch.Tensor]

_OF_LAYERS = ("fitnets", "attention")


class FeatureMatching(TwoStageDistiller):
    """Matches features or layers of the weighted sources by a known loss, then fine-tunes.

    By pooled features, those of the sources on the plain images, without a label:

    - rkd: distances and angles between the images of a batch (Park et al., "Relational Knowledge
      Distillation", CVPR 2019), so that widths need not agree and nothing is projected.
    - crd: an image's embedding is told from remembered ones of others (Tian et al., "Contrastive
      Representation Distillation", ICLR 2020); embeddings are linear in both networks' features.
      Published temperature 0.07, width 128, 16384 negatives among 50,000 images.

    By layers, named in pairs by `layers` and `student_layers`, of the very view that the student
    sees, which costs a pass through all sources in each step:

    - fitnets: a layer of the student, through a convolution of 1 x 1, is to be the source's (Romero
      et al., "FitNets", ICLR 2015; squared error relative to the layer's size).
    - attention: where a layer is active (Zagoruyko and Komodakis, "Paying More Attention to
      Attention", ICLR 2017).

    The losses of several sources are summed by their weights, which is ours; all of them need the
    layers that are named, so with sources of several architectures take a strategy that keeps to
    one. FitNets matches first and learns the labels then; the others' papers do both at once, here
    all match first, as `task_agnostic` does, and fine-tune afterwards. Schedule and rates are ours.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})
    examples: ClassVar[tuple[str, ...]] = (
        "feature_matching",
        "feature_matching:loss=crd,negatives=8",
        "feature_matching:loss=fitnets,layers=stem,student_layers=stem",
        "feature_matching:loss=attention,layers=stem,student_layers=stem",
    )

    loss: Literal["rkd", "crd", "fitnets", "attention"] = Field(
        "rkd", description="how features or layers are matched"
    )
    layers: tuple[str, ...] = Field(
        (),
        description="fitnets, attention: layers of the sources, joined by +, as `distbench info "
        "source` lists them",
    )
    student_layers: tuple[str, ...] = Field(
        (), description="layers of the student, each beside one of theirs"
    )
    angle: float = searched(
        2.0, low=0.25, high=8, log=True, ge=0, description="rkd: weight of angles beside distances"
    )
    temperature: float = searched(
        0.07, low=0.03, high=1, log=True, gt=0, description="crd: divides cosines"
    )
    width: int = Field(128, ge=1, description="crd: of the embeddings")
    negatives: int = Field(1024, ge=1, description="crd: remembered images for each one")

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        if self.loss not in _OF_LAYERS:
            if self.layers or self.student_layers:
                raise UsageError(f"loss={self.loss} goes by pooled features: leave layers out")
        elif not self.layers or len(self.layers) != len(self.student_layers):
            raise UsageError(
                f"loss={self.loss} matches layers in pairs, there are {len(self.layers)} of the "
                f"sources and {len(self.student_layers)} of the student: give "
                "layers=A+B,student_layers=C+D (`distbench info source` and `info student` list "
                "them)"
            )
        return self

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """``distil`` on the sources' features or layers, then ``finetune`` on the labels.

        Raises:
            Declined: A layer that is named is no map.
        """
        from distbench import Phase

        if self.loss in _OF_LAYERS:
            match, modules = self._by_layers(context)
        elif self.loss == "crd":
            match, modules = self._by_contrast(context)
        else:
            match, modules = self._by_relations(context)

        def features(pool: Pool) -> Targets:
            if self.loss in _OF_LAYERS:
                return {}
            if pool == "train" or context.transfer is None:
                return {s.info.name: s.embedding.features for s in context.sources}
            return {
                s.info.name: context.transfer.embedding(s.info.name).features
                for s in context.sources
            }

        size = self.ratio * context.protocol.batch
        streams = self.streams(context, size, features)
        distil = Phase(steps=0, streams=streams, loss=match, lr=self.lr, modules=modules)
        return self.then_finetune(distil, context)

    def _by_relations(self, context: MethodContext) -> tuple[Match, dict[str, torch.nn.Module]]:
        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            from distbench_builtin.shared.methods.feature_losses import relational_loss

            images, targets = joined(batch)
            mine = student.features(images)  # (b, d)
            return weighted(
                context.sources,
                lambda source: relational_loss(mine, targets[source.info.name], self.angle),
            )

        return match, {}

    def _by_contrast(self, context: MethodContext) -> tuple[Match, dict[str, torch.nn.Module]]:
        import torch

        from distbench_builtin.shared.methods.contrast_memory import ContrastMemory

        # Numbers of all images as `which` has them: the place of one is its row in the memories.
        numbers = np.sort(
            np.concatenate([2 * at + (pool != "train") for pool, at in self.pools(context).items()])
        )
        if len(numbers) < 2:
            raise Declined("there is one image to distil on, and none that it could be told from")
        known = torch.from_numpy(numbers)
        ours, theirs, memories = {}, {}, {}
        for source in context.sources:
            name = source.info.name
            ours[name] = torch.nn.Linear(context.num_features, self.width)
            theirs[name] = torch.nn.Linear(source.info.feature_dim, self.width)
            memories[name] = ContrastMemory(
                len(numbers), self.width, self.negatives, self.temperature
            )

        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            images, targets = joined(batch)
            mine = student.features(images)  # (b, d)
            at = which(batch)
            rows = torch.searchsorted(known.to(at.device), at)

            def one(source: WeightedSource) -> torch.Tensor:
                name = source.info.name
                wanted = theirs[name](targets[name])
                return memories[name].loss(ours[name](mine), wanted, rows)

            return weighted(context.sources, one)

        pairs = zip(ours.values(), theirs.values(), strict=True)
        modules = {f"embedding{i}": torch.nn.ModuleList(pair) for i, pair in enumerate(pairs)}
        return match, dict(modules)

    def _by_layers(self, context: MethodContext) -> tuple[Match, dict[str, torch.nn.Module]]:
        import torch

        pairs = list(zip(self.layers, self.student_layers, strict=True))
        runs = {s.info.name: context.run(s, layers=self.layers) for s in context.sources}
        narrow = [channels(context, own, None) for own in self.student_layers]
        wide = {
            s.info.name: [channels(context, layer, s) for layer in self.layers]
            for s in context.sources
        }
        regressors = {
            name: torch.nn.ModuleList(
                torch.nn.Conv2d(a, b, 1) for a, b in zip(narrow, widths, strict=True)
            )
            for name, widths in wide.items()
            if self.loss == "fitnets"
        }

        def match(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
            from distbench_builtin.shared.methods.feature_losses import attention_loss, hint_loss

            images, _ = joined(batch)
            mine = student.outputs(images, self.student_layers).layers

            def one(source: WeightedSource) -> torch.Tensor:
                theirs = runs[source.info.name](images).layers
                total = torch.zeros((), device=images.device)
                for i, (layer, own) in enumerate(pairs):
                    if self.loss == "attention":
                        total = total + attention_loss(mine[own], theirs[layer])
                    else:
                        regressor = regressors[source.info.name][i]
                        total = total + hint_loss(regressor(mine[own]), theirs[layer])
                return total

            return weighted(context.sources, one)

        return match, {f"regressor{i}": module for i, module in enumerate(regressors.values())}


def weighted(
    sources: Sequence[WeightedSource], one: Callable[[WeightedSource], torch.Tensor]
) -> torch.Tensor:
    """sum_s alpha_s times the loss of source s."""
    import torch

    losses = torch.stack([one(source) for source in sources])  # (s,)
    return losses @ torch.tensor([source.weight for source in sources], device=losses.device)


def channels(context: MethodContext, layer: str, source: WeightedSource | None) -> int:
    """Channels of a layer of a source, or of the student.

    Raises:
        Declined: It is no map.
    """
    shape = context.layer_shape(layer, source)
    if len(shape) != 3:
        whose = "the student" if source is None else f"source {source.info.name!r}"
        raise Declined(
            f"layer {layer!r} of {whose} has the shape {shape}, which is no map (k, h, w)"
        )
    return shape[0]
