"""One phase that learns the labels and what a teacher says of unlabelled images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, MethodContext, Phase
    from distbench_builtin.shared.methods.source_heads import SourceHeads

_TEACHER = ""
"""Name of the teacher's probabilities; beside it stand the names of sources."""


class LearnsWithLabels(Protocol):
    """A method with the fields of `shared.methods.parameters` that such a phase takes."""

    @property
    def lam(self) -> float: ...
    @property
    def view(self) -> Literal["weak", "strong"]: ...
    @property
    def lr(self) -> float: ...
    @property
    def head_lr(self) -> float: ...
    @property
    def ratio(self) -> int: ...
    @property
    def weight_decay(self) -> float: ...


def phase_with_labels(
    method: LearnsWithLabels,
    context: MethodContext,
    teacher: NDArray[np.float32],
    heads: SourceHeads | None = None,
    share: float = 0.0,
) -> Phase:
    """One phase of lam * CE(labels) + (1 - lam) * CE(teacher, student) on unlabelled images.

    Args:
        method: Has lam, how unlabelled images are shown and how many, and the rates.
        context: What the method sees.
        teacher: Class probabilities of the train images, (n, C); rows of the pool are read.
        heads: Learn the sources' own classes along, at the rate of the classifier.
        share: Of the loss on unlabelled images, that theirs has, 0..1.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from distbench import Phase, Stream

    def loss(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        labelled, more = batch["labelled"], batch["unlabelled"]
        features = student.features(torch.cat([labelled.views["weak"], more.views[method.view]]))
        count = len(labelled.labels)
        logits = student.classify(features)  # (l + u, C)
        supervised = cross_entropy(logits[:count], labelled.labels)
        unlabelled = cross_entropy(logits[count:], more.targets[_TEACHER])
        if heads is not None:
            own = heads.loss(features[count:], [more.targets[name] for name in heads.names])
            unlabelled = (1 - share) * unlabelled + share * own
        return method.lam * supervised + (1 - method.lam) * unlabelled

    batch = context.protocol.batch
    own = {} if heads is None else heads.cached(context)
    return Phase(
        steps=context.protocol.steps,
        streams={
            "labelled": Stream(context.labelled, batch, labels=context.labels),
            "unlabelled": Stream(
                context.unlabelled,
                method.ratio * batch,
                (method.view,),
                targets={_TEACHER: teacher, **own},
            ),
        },
        loss=loss,
        lr=method.lr,
        head_lr=method.head_lr,
        modules={} if heads is None else {"heads": heads.module},
        module_lr={} if heads is None else {"heads": method.head_lr},
        weight_decay=method.weight_decay,
    )
