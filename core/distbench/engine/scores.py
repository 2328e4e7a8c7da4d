"""Scores of a metric on a task of a plan, and the features of the reference that it may need."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.method_runner import Trainer
from distbench.engine.stages.score import Scores, probes_of, score
from distbench.engine.workspace import Workspace
from distbench.planning.plan import PlannedMethod, PlannedTask


def score_task(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> Scores:
    """Scores of a method's metric on a task, computed now."""
    metric = work.names.make("metric", method.components["metric"])
    infos, embeddings, _ = work.eligible(task, method)
    probes = probes_of(
        infos,
        embeddings,
        work.probe(task, seed),
        work.images(task).train_labels,
        work.context(task, seed).seed_for("metric"),
        reference_features(work, task, seed) if "reference" in metric.needed() else None,
    )
    return score(metric, probes)


def reference_features(work: Workspace, task: PlannedTask, seed: int) -> NDArray[np.float32]:
    """Features (n, d) of the reference model on the probe: the student, trained on the labels."""

    def make(folder: Path) -> None:
        trainer = Trainer(work, task, seed)
        if work.plan.reference is None:
            raise ValueError("no metric of this plan needs a reference")
        table = work.plan.reference.components["baseline"]
        trained = trainer.train(work.names.make("baseline", table))
        features = trainer.features(trained.model, work.probe(task, seed))
        np.save(folder / "features.npy", features)

    key = work.plan.reference_key(task.id, seed)
    folder = work.artifacts.build("references", key, make)
    return cast(NDArray[np.float32], np.load(folder / "features.npy"))
