"""What linear probes on each source say of the labelled images that they have not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench import Context, Declined
from distbench_builtin.shared.numerics.ridge_outputs import left_out_outputs
from distbench_builtin.strategies._score_scaling import Sources

Array = NDArray[np.float64]


def left_out(context: Context | None, sources: Sources, axis: str) -> tuple[Array, Array]:
    """Outputs (s, n, C) of a probe on each source, and the truth (n, C) of 0 and 1.

    Args:
        context: The task.
        sources: The sources.
        axis: Names the draw of the images, where there are more labelled ones than a probe takes.

    Raises:
        Declined: There is no context.
    """
    if context is None:
        raise Declined("this is decided by what sources say of labelled images; name a task")
    rng = np.random.default_rng(context.seed_for(axis))
    rows = np.sort(rng.permutation(context.labelled)[: context.protocol.probe_size])
    labels = context.labels[rows]
    truth = labels.clip(0) * 1.0 if context.several else np.eye(context.num_classes)[labels]
    outputs = [left_out_outputs(context.embedding(s.name).features[rows], truth) for s in sources]
    return np.stack(outputs), truth
