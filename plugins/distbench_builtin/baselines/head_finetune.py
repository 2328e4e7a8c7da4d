"""Fine-tuning under another head than a linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from distbench import (
    Baseline,
    Declined,
    Inference,
    MethodContext,
    Phase,
    Stream,
    class_means,
    primary,
    searched,
)
from distbench_builtin.shared.methods.labelled_phase import labelled_phase
from distbench_builtin.shared.methods.parameters import head_rate, weight_penalty

if TYPE_CHECKING:
    import torch

    from distbench import Batches, Classifier, TrainedStudent


class HeadFineTune(Baseline):
    """Fine-tunes the student on the labelled images under a cosine, MLP or prototype head.

    ``cosine`` of Gidaris and Komodakis, "Dynamic Few-Shot Visual Learning without Forgetting",
    CVPR 2018, and Chen et al., "A Closer Look at Few-shot Classification", ICLR 2019; ``mlp`` has
    one hidden layer; ``linear`` is `finetune`. Their loss is cross-entropy on augmented labelled
    images. ``prototype`` of Snell, Swersky and Zemel, "Prototypical Networks for Few-shot
    Learning", NeurIPS 2017: a step tells one view of each image of a batch by its distances to the
    means, of each class that occurs there, of another view; the student is judged by its distances
    to the means of all labelled images. That both are views of the same images is ours: often there
    is one image of a class. So are the rates.
    """

    examples = ("head_finetune", "head_finetune:prototype", "head_finetune:mlp:hidden=16")

    head: Literal["cosine", "linear", "mlp", "prototype"] = primary("cosine", description="which")
    scale: float | None = searched(
        None,
        low=0.01,
        high=100,
        log=True,
        gt=0,
        description="of cosines, 10 if not given, from where it is learned; of squared distances, "
        "1 if not given",
    )
    hidden: int = Field(256, ge=1, description="width of the hidden layer of mlp")
    lr: float = searched(0.01, low=5e-4, high=0.2, log=True, gt=0, description="peak learning rate")
    head_lr: float = head_rate()
    weight_decay: float = weight_penalty()

    def build_head(self, num_features: int, num_classes: int) -> torch.nn.Module | None:
        """The head that is asked for."""
        from distbench import CosineHead, MLPHead, PrototypeHead

        if self.head == "cosine":
            return CosineHead(num_features, num_classes, self.scale or 10.0)
        if self.head == "mlp":
            return MLPHead(num_features, num_classes, self.hidden)
        if self.head == "prototype":
            return PrototypeHead(num_features, num_classes, self._distance_scale)
        return None

    def phases(self, context: MethodContext) -> Sequence[Phase]:
        """One phase on the labelled images."""
        rates: dict[str, Any] = {
            "lr": self.lr,
            "head_lr": self.head_lr,
            "weight_decay": self.weight_decay,
        }
        if self.head != "prototype":
            return [labelled_phase(context, **rates)]
        if context.labels.ndim == 2:
            raise Declined("prototypes tell apart images of one class each")
        counts = np.bincount(context.labels[context.labelled], minlength=context.num_classes)
        if not counts.all():
            name = context.classes[int(counts.argmin())]
            raise Declined(f"class {name!r} has no labelled image to make a prototype of")
        stream = Stream(
            context.labelled,
            context.protocol.batch,
            {"support": "weak", "query": "weak"},
            labels=context.labels,
        )
        streams = {"labelled": stream}
        return [Phase(context.protocol.steps, streams, self.episode, **rates)]

    def episode(self, student: Classifier, batch: Batches) -> torch.Tensor:
        """Cross-entropy of distances to the means of the classes that the batch holds."""
        import torch
        from torch.nn.functional import cross_entropy

        shown = batch["labelled"]
        views = torch.cat([shown.views["support"], shown.views["query"]])
        support, query = student.features(views).float().chunk(2)  # (b, d) each
        present, labels = torch.unique(shown.labels, return_inverse=True)  # (k,), (b,)
        members = torch.nn.functional.one_hot(labels, len(present)).to(support)  # (b, k)
        means = members.T @ support / members.sum(0)[:, None]  # (k, d)
        distances = (query[:, None] - means).square().sum(2)  # (b, k)
        return cross_entropy(-self._distance_scale * distances, labels)

    def inference(self, context: MethodContext, student: TrainedStudent) -> Inference | None:
        """Of prototypes: the means of the labelled images' features."""
        if self.head != "prototype":
            return None
        features = student.features(context.labelled)
        labels = context.labels[context.labelled]
        return Inference(head={"prototypes": class_means(features, labels, context.num_classes)})

    @property
    def _distance_scale(self) -> float:
        return self.scale or 1.0
