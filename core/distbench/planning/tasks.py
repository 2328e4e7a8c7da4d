"""Tasks and image folders of a run read as far as a plan needs: names and labels, no pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from distbench.errors import DataError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.student import Student
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import Task, TaskIndex
from distbench.planning.eligibility import holders
from distbench.planning.index_checks import without_label
from distbench.planning.keys import images_key
from distbench.planning.plan import PlannedTask
from distbench.planning.resolved_task import ResolvedTask, index_of
from distbench.planning.split import Split, split_train
from distbench.plugins.component_identity import Identified, as_table

OF_SEVERAL = "map"
"""What methods are compared by where an image may show several classes and nobody says."""


def plan_task(task: ResolvedTask, protocol: Protocol, skip_corrupt: bool) -> PlannedTask:
    """Reads a task's index and checks that the protocol can be applied to it.

    Raises:
        DataError: It has one class, or a class without a labelled image, or no test images, or
            some of those it is judged by have no label.
    """
    index = task.index
    split = _checked(task.id, index, protocol)
    return PlannedTask(
        id=task.id,
        label=task.task.component.typed(whole_paths=False),
        component=as_table(task.task.component),
        fingerprint=index.fingerprint,
        classes=index.classes,
        seen_by=tuple(sorted({*task.seen_by, *index.seen_by})),
        notes=index.notes,
        images_key=images_key(
            index.fingerprint,
            task.task.provenance,
            protocol,
            skip_corrupt,
            several=index.several,
        ),
        flip=task.flip,
        group=task.group,
        measure=task.measure or (OF_SEVERAL if index.several else ""),
        several=index.several,
        read=_described(index, split),
        images={
            "train": len(split.unlabelled) + len(split.validation),
            "validation": len(split.validation),
            "test": len(index.parts["test"]),
        },
    )


def _described(index: TaskIndex, split: Split) -> str:
    train = index.parts["train"].labels
    labels = train[split.labelled]
    if index.several:
        counts = (labels == 1).sum(axis=0)  # (l, c) -> (c,)
    else:
        counts = np.bincount(labels, minlength=len(index.classes))
    fewest = int(counts.argmin())
    more = len(split.unlabelled) - len(split.labelled)
    return (
        f"{len(index.classes):,} classes; {len(split.labelled):,} labelled, {more:,} unlabelled, "
        f"{len(split.validation):,} validation and {len(index.parts['test']):,} test images; "
        f"fewest labelled: {index.classes[fewest]} {counts[fewest]:,}"
    )


def _checked(id: str, index: TaskIndex, protocol: Protocol) -> Split:
    if not index.classes:
        raise DataError(
            f"task {id!r} has no classes to learn: its images have no labels. A distiller "
            "takes them as transfer=..., `distbench retrieve` as --gallery"
        )
    if len(index.classes) < 2:
        raise DataError(
            f"task {id!r} has one class ({', '.join(index.classes)}); "
            "there is nothing to tell apart. Put the images of each class in a folder of its own"
        )
    if not len(index.parts["test"]):
        raise DataError(f"task {id!r} has no test image")
    if missing := without_label(index):
        raise DataError(f"task {id!r}: {missing[0]}; {missing[1]}")
    train, given = index.parts["train"], index.parts.get("validation")
    try:
        if given is None:
            return split_train(train.labels, index.classes, protocol, 0, groups=train.groups)
        labels = np.concatenate([train.labels, given.labels])
        positions = np.arange(len(train), len(labels))
        return split_train(labels, index.classes, protocol, 0, positions)
    except DataError as error:
        raise DataError(f"task {id!r}: {error}") from None


def with_student_note(
    task: PlannedTask, student: Student, held_by: Callable[[str], set[str]]
) -> PlannedTask:
    """A task, and a note where the student's initial weights have learnt its labels.

    Raises:
        PluginError: The student does not say what it was trained on.
    """
    with naming(student.name, "trained_on"):
        learnt = [instance(student.name, "trained_on", n, str) for n in student.trained_on()]
    shared = holders(learnt, task.seen_by, held_by)
    if not shared:
        return task
    note = (
        "The student's initial weights have learnt labels of this task: trained on "
        f"{', '.join(shared)}."
    )
    return replace(task, notes=(*task.notes, note))


def plan_images(images: Identified[Task], protocol: Protocol, skip_corrupt: bool) -> PlannedTask:
    """A transfer set or gallery, as a task without classes.

    Raises:
        DataError: It has no images.
    """
    task = images.component
    index = index_of(task)
    if not len(index.parts["train"]):
        raise DataError(f"{task.label!r} has no images to distil on")
    key = images_key(index.fingerprint, images.provenance, protocol, skip_corrupt)
    return PlannedTask(
        id=f"transfer-{key[:12]}",
        label=task.typed(whole_paths=False),
        component=as_table(task),
        fingerprint=index.fingerprint,
        classes=(),
        seen_by=index.seen_by,
        notes=index.notes,
        images_key=key,
        images={"train": len(index.parts["train"])},
    )
