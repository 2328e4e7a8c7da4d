"""One phase that learns the labels and what a teacher says of unlabelled images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from distbench import Batch, Classifier, MethodContext, Phase
    from distbench_builtin.shared.methods.source_heads import SourceHeads

_TEACHER = ""
"""Name of the teacher's probabilities; beside it stand the names of sources."""


def phase_with_labels(
    context: MethodContext,
    teacher: NDArray[np.float32],
    *,
    lam: float,
    view: Literal["weak", "strong"],
    ratio: int,
    lr: float,
    head_lr: float,
    heads: SourceHeads | None = None,
    share: float = 0.0,
    **settings: Any,
) -> Phase:
    """One phase of lam * CE(labels) + (1 - lam) * CE(teacher, student) on unlabelled images.

    Args:
        context: What the method sees.
        teacher: Class probabilities of the train images, (n, C); rows of the pool are read.
        lam: Share of the loss on labels.
        view: How unlabelled images are shown.
        ratio: Unlabelled images for each labelled one.
        lr: Peak learning rate.
        head_lr: Of the classifier, and of `heads`, times `lr`.
        heads: Learn the sources' own classes along.
        share: Of the loss on unlabelled images, that theirs has, 0..1.
        settings: Of the `Phase`, such as ``weight_decay``.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from distbench import Phase, Stream

    def loss(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
        labelled, more = batch["labelled"], batch["unlabelled"]
        features = student.features(torch.cat([labelled.views["weak"], more.views[view]]))
        count = len(labelled.labels)
        logits = student.classify(features)  # (l + u, C)
        supervised = cross_entropy(logits[:count], labelled.labels)
        unlabelled = cross_entropy(logits[count:], more.targets[_TEACHER])
        if heads is not None:
            own = heads.loss(features[count:], [more.targets[name] for name in heads.names])
            unlabelled = (1 - share) * unlabelled + share * own
        return lam * supervised + (1 - lam) * unlabelled

    batch = context.protocol.batch
    own = {} if heads is None else heads.cached(context)
    return Phase(
        steps=context.protocol.steps,
        streams={
            "labelled": Stream(context.labelled, batch, labels=context.labels),
            "unlabelled": Stream(
                context.unlabelled, ratio * batch, (view,), targets={_TEACHER: teacher, **own}
            ),
        },
        loss=loss,
        lr=lr,
        head_lr=head_lr,
        modules={} if heads is None else {"heads": heads.module},
        module_lr={} if heads is None else {"heads": head_lr},
        **settings,
    )
