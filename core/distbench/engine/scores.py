"""Scores of a metric on a task of a plan, and the features of the reference that it may need."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from distbench.engine.device import pick_device
from distbench.engine.method_runner import Trainer
from distbench.engine.sources.source_network import SourceNetwork
from distbench.engine.stages.score import Scores, probes_of, score
from distbench.engine.training.batches import central
from distbench.engine.workspace import Workspace
from distbench.interfaces.context import Surroundings
from distbench.interfaces.metric import BEYOND
from distbench.interfaces.probe import Probe
from distbench.interfaces.zoo import SourceInfo
from distbench.planning.plan import PlannedMethod, PlannedTask


def score_task(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> Scores:
    """Scores of a method's metric on a task, computed now."""
    metric = work.names.make("metric", method.components["metric"])
    return score(metric, probes_for(work, task, method, seed))


def probes_for(work: Workspace, task: PlannedTask, method: PlannedMethod, seed: int) -> list[Probe]:
    """What a method's metric sees of each eligible source."""
    needs = method.needs
    infos, embeddings, _ = work.eligible(task, method)
    return probes_of(
        infos,
        embeddings,
        work.probe(task, seed),
        work.images(task).train_labels,
        work.context(task, seed).seed_for("metric"),
        reference_features(work, task, seed) if "reference" in needs else None,
        surroundings(work, task, seed, needs),
    )


def surroundings(
    work: Workspace, task: PlannedTask, seed: int, needs: Collection[str]
) -> Callable[[SourceInfo], Surroundings] | None:
    """What metrics with these needs see of each source besides what it says of the probe."""
    if not BEYOND & {*needs}:
        return None
    positions = work.probe(task, seed)
    context = work.context(task, seed) if "context" in needs else None

    @cache
    def images(side: int, crop: float) -> NDArray[np.uint8]:
        return central(np.asarray(work.images(task, side).train[positions]), crop)

    def around(source: SourceInfo) -> Surroundings:
        return Surroundings(
            context=context,
            positions=None if context is None else positions,
            images=partial(images, source.input_size, source.crop) if "images" in needs else None,
            module=(
                partial(SourceNetwork, work.sources[source.name], pick_device(work.plan.device))
                if "module" in needs
                else None
            ),
        )

    return around


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
