"""Learning the labels, which most methods do alone or at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from distbench import Batch, Classifier, MethodContext, Phase


def labelled_phase(context: MethodContext, *, steps: int | None = None, **settings: Any) -> Phase:
    """`labelled_loss` on weak views of the labelled images.

    Args:
        context: What the method sees.
        steps: How many; all of the protocol's if None.
        settings: Of the `Phase`, such as ``lr``.
    """
    from distbench import Phase, Stream

    stream = Stream(context.labelled, context.protocol.batch, labels=context.labels)
    return Phase(
        steps=context.protocol.steps if steps is None else steps,
        streams={"labelled": stream},
        loss=on_labels,
        **settings,
    )


def on_labels(student: Classifier, batch: Mapping[str, Batch]) -> torch.Tensor:
    """`labelled_loss` on the labelled images."""
    from distbench_builtin.shared.methods.labelled_loss import labelled_loss

    labelled = batch["labelled"]
    return labelled_loss(student(labelled.views["weak"]), labelled.labels)
