"""The test labels of a run's tasks, as they were stored with the decoded images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench.engine.stages.prepare import TEST_LABELS
from distbench.planning.keys import stored_key
from distbench.planning.plan import Plan
from distbench.storage.artifacts import ArtifactCache


def test_labels(plan: Plan, root: Path) -> dict[str, NDArray[np.int64]]:
    """int64 (m,) or (m, c) for each task whose images are stored, as its predictions are ordered.

    Args:
        plan: The plan.
        root: ``$DISTBENCH_HOME``.
    """
    artifacts, labels = ArtifactCache(root / "artifacts"), {}
    for task in plan.tasks:
        key = stored_key(task.images_key, plan.protocol, plan.protocol.image_size)
        folder = artifacts.get("images", key)
        if folder is not None:
            labels[task.id] = np.load(folder / TEST_LABELS)
    return labels
