"""Spread the labels over a graph that all weighted sources see; the student learns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from distbench import Distiller, MethodContext, Need, searched
from distbench_builtin.shared.methods.graph import (
    EXACT,
    joint_features,
    neighbour_graph,
    propagate,
)
from distbench_builtin.shared.methods.graph_at_size import near_graph, spread_targets
from distbench_builtin.shared.methods.graph_choice import choose
from distbench_builtin.shared.methods.on_unlabelled import OnUnlabelled
from distbench_builtin.shared.methods.parameters import (
    head_rate,
    joint_rate,
    label_share,
    unlabelled_ratio,
    unlabelled_view,
    weight_penalty,
)
from distbench_builtin.shared.methods.with_labels import phase_with_labels

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from distbench import Phase
    from distbench_builtin.shared.methods.source_heads import SourceHeads

_SHARPNESS = (1.0, 0.5, 2.0, 0.25, 4.0, 0.125, 8.0, 0.0)
_NEIGHBOURS = (8, 4, 16)
_CERTAINTY = (1.0, 2.0, 0.5, 4.0, 0.25)
"""What is tried where it is to be chosen; the first of equally good ones is taken."""


class LabelPropagation(OnUnlabelled, Distiller):
    """Spreads the labels over the neighbour graph of all weighted sources; learns what comes out.

    Our own. The sources' features, standardised and weighted by alpha_s^sharpness, stand beside one
    another; each labelled and unlabelled image is tied to its nearest neighbours by their cosine,
    and the labels spread over that graph by local and global consistency (Zhou et al., NIPS 2003)
    with the classes as frequent as among the labels. The student learns

        lam * CE(labels) + (1 - lam) * mean over unlabelled images of CE(p^certainty / sum, q)

    with p the spread labels and q the student's prediction on a view. Unlike `pseudo_labels` it
    distils what the sources *together* say of the target's classes, and unlike `task_oriented` the
    unlabelled images have a say in it. Needs features only; sources are run once, on plain images.

    What is ``chosen`` is chosen for each task, without training: sharpness and neighbours are those
    whose graph is most often right on labelled images when their own label is left out, certainty
    the one under which these labels are likeliest. Of more than 2000 images 2000 are looked at.

    Up to 50,000 images all are compared with all. Of more, each is compared with those of its cell
    (about a thousand, by k-means) and of the 31 nearest cells: the work then grows with their
    number and not with its square, and some of the nearest are missed (docs/large.md says how many,
    and how long it takes).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})

    neighbours: Annotated[int, Field(ge=1)] | Literal["chosen"] = Field(
        "chosen", description="nearest images that each is tied to"
    )
    spread: float = searched(
        0.87, low=0.6, high=0.99, gt=0, lt=1, description="share of a label from the neighbours"
    )
    sharpness: Annotated[float, Field(ge=0)] | Literal["chosen"] = Field(
        "chosen", description="power of the weights in the graph"
    )
    certainty: Annotated[float, Field(gt=0)] | Literal["chosen"] = Field(
        "chosen", description="power of what is learnt; above 1 sharper"
    )
    lam: float = label_share()
    view: Literal["weak", "strong"] = unlabelled_view()
    lr: float = joint_rate()
    head_lr: float = head_rate()
    ratio: int = unlabelled_ratio()
    weight_decay: float = weight_penalty()

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase over labelled images and unlabelled ones with their spread labels."""
        return [self.joined(context, None, 0.0)]

    def joined(self, context: MethodContext, heads: SourceHeads | None, share: float) -> Phase:
        """The phase, with or without what the sources say in their own classes.

        Args:
            context: What the method sees.
            heads: Learn the sources' own classes along.
            share: Of the loss on unlabelled images, that theirs has, 0..1.
        """
        return phase_with_labels(self, context, self.targets(context), heads, share)

    def targets(self, context: MethodContext) -> NDArray[np.float32]:
        """Class probabilities (n, C) of the pool's images; 0 for all others."""
        pool = np.union1d(context.unlabelled, context.labelled)
        labels = context.labels[context.labelled]
        features = [source.embedding.features for source in context.sources]
        weights = [source.weight for source in context.sources]
        sharpness, neighbours, certainty = self.settled(context, features, weights, pool)
        sharpened = [weight**sharpness for weight in weights]
        seed = context.seed_for("projection")
        known = np.searchsorted(pool, context.labelled)
        accelerator = _accelerator(context.device)
        if len(pool) > EXACT:
            return spread_targets(
                near_graph(features, sharpened, pool, neighbours, seed, accelerator),
                pool,
                known,
                labels,
                context.num_classes,
                spread=self.spread,
                certainty=certainty,
                rows=len(context.labels),
                accelerator=accelerator,
            )
        graph = neighbour_graph(
            joint_features(features, sharpened, pool, seed), neighbours, accelerator
        )
        probabilities = propagate(graph, known, labels, context.num_classes, self.spread)
        probabilities[known] = np.eye(context.num_classes)[labels]
        probabilities **= certainty
        targets = np.zeros((len(context.labels), context.num_classes), dtype=np.float32)
        targets[pool] = probabilities / probabilities.sum(1, keepdims=True)  # (p, C)
        return targets

    def settled(
        self,
        context: MethodContext,
        features: Sequence[NDArray[np.floating]],
        weights: Sequence[float],
        pool: NDArray[np.int64],
    ) -> tuple[float, int, float]:
        """Sharpness, neighbours and certainty, where they are to be chosen by leave-one-out."""
        powers = _SHARPNESS if self.sharpness == "chosen" else (self.sharpness,)
        counts = _NEIGHBOURS if self.neighbours == "chosen" else (self.neighbours,)
        surely = _CERTAINTY if self.certainty == "chosen" else (self.certainty,)
        if len(powers) == len(counts) == len(surely) == 1:
            return powers[0], counts[0], surely[0]
        choice = choose(
            features,
            weights,
            pool,
            context.labelled,
            context.labels[context.labelled],
            context.num_classes,
            self.spread,
            sharpness=powers,
            neighbours=counts,
            seed=context.seed_for("choice"),
        )
        return choice.sharpness, choice.neighbours, max(surely, key=choice.likelihood)


def _accelerator(device: str) -> torch.device | None:
    """The device that compares images, where that is not this processor."""
    import torch

    return torch.device(device) if device.startswith("cuda") else None
