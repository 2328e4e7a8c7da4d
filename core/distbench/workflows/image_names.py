"""Which image was in which part of a run's tasks, by its name: a table beside the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench.interfaces.task import UNLABELLED, TaskIndex
from distbench.leaderboard.tables.text_table import csv_text
from distbench.planning.keys import split_seed
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.resolved_task import index_of
from distbench.planning.split import joined_groups, split_train
from distbench.plugins.registry import registry
from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row

IMAGES = "images.csv"
"""Of a run's folder. Test images stand in the order of the predictions."""


def write_image_names(plan: Plan, rows: Sequence[Row], folder: Path) -> None:
    """Writes names, classes and parts of all images of the tasks that were learnt.

    Columns are ``task``, ``image``, ``label`` (empty where it is not known, ``|`` between several)
    and a part for each seed: ``labelled``, ``unlabelled``, ``validation``, ``test``, or
    ``left out`` of what could not be read and of what belongs to a validation image.

    Raises:
        DistbenchError: The images of a task are not what they were.
        OSError: No space, no permission.
    """
    names = registry(tuple(map(Path, plan.plugin_files)))
    done = {row.task.id: row.result.parts.skipped for row in rows if row.result is not None}
    lines = [["task", "image", "label", *(f"seed_{seed}" for seed in plan.seeds)]]
    for task in plan.tasks:
        if task.id in done:
            index = index_of(names.make("task", task.component))
            lines += ([task.id, *line] for line in _lines(plan, task, index, {*done[task.id]}))
    write_atomic(folder / IMAGES, csv_text(lines))


def _lines(
    plan: Plan, task: PlannedTask, index: TaskIndex, skipped: set[str]
) -> Iterator[tuple[str, ...]]:
    """Name, label and part by seed of each image."""
    given = [index.parts[name] for name in ("train", "validation") if name in index.parts]
    names = [name for part in given for name in part.names]
    labels = np.concatenate([part.labels for part in given])
    groups = joined_groups(given)
    kept = np.array([name not in skipped for name in names], dtype=bool)
    place = np.cumsum(kept) - 1
    own_validation = place[len(given[0]) :][kept[len(given[0]) :]]
    parts = []
    for seed in plan.seeds:
        split = split_train(
            labels[kept],
            index.classes,
            plan.protocol,
            split_seed(plan.suite, task.id, seed),
            own_validation,
            None if groups is None else groups[kept],
        )
        of_kept = np.full(int(kept.sum()), "left out", dtype=object)
        for name in ("unlabelled", "labelled", "validation"):  # labelled ones are in both
            of_kept[getattr(split, name)] = name
        parts.append([of_kept[place[i]] if kept[i] else "left out" for i in range(len(names))])
    for i, name in enumerate(names):
        yield (name, _label(labels[i], index.classes), *(own[i] for own in parts))
    test = index.parts["test"]
    for name, label in zip(test.names, test.labels, strict=True):
        part = "left out" if name in skipped else "test"
        yield (name, _label(label, index.classes), *([part] * len(plan.seeds)))


def _label(label: NDArray[np.int64] | np.int64, classes: Sequence[str]) -> str:
    """The class of an image, or all that it shows."""
    if np.ndim(label):
        return "|".join(classes[int(i)] for i in np.flatnonzero(np.asarray(label) == 1))
    return "" if label == UNLABELLED else classes[int(label)]
