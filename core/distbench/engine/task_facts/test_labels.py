"""The test labels of a run's tasks, where whoever starts a run finds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distbench.engine.stages.prepare import TEST_LABELS
from distbench.planning.keys import stored_key
from distbench.planning.plan import Plan, PlannedTask
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest

if TYPE_CHECKING:
    from distbench.engine.workspace import Workspace

_KIND = "test-labels"


def keep_test_labels(work: Workspace, task: PlannedTask) -> None:
    """Keeps the test labels of a task in the store: its images may lie on one machine alone."""

    def make(folder: Path) -> None:
        np.save(folder / TEST_LABELS, work.images(task).test_labels)

    work.artifacts.build(_KIND, _key(work.plan, task), make)


def test_labels(plan: Plan, root: Path) -> dict[str, NDArray[np.int64]]:
    """int64 (m,) or (m, c) for each task whose images were read, as its predictions are ordered.

    Args:
        plan: The plan.
        root: ``$DISTBENCH_HOME``.
    """
    artifacts, labels = ArtifactCache(root / "artifacts"), {}
    for task in plan.tasks:
        images = stored_key(task.images_key, plan.protocol, plan.protocol.image_size)
        # Beside the images alone where an older distbench read them.
        folder = artifacts.get(_KIND, _key(plan, task)) or artifacts.get("images", images)
        if folder is not None:
            labels[task.id] = np.load(folder / TEST_LABELS)
    return labels


def _key(plan: Plan, task: PlannedTask) -> str:
    protocol = plan.protocol
    return digest([_KIND, 1, stored_key(task.images_key, protocol, protocol.image_size)])
