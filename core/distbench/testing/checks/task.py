"""Checks of tasks, on some of their images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from distbench.interfaces.task import Part, Task, TaskIndex
from distbench.planning.index_checks import index_finding, without_label
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.faults import Fault
from distbench.testing.subject import Subject

_READ = 24
"""How many images of a part are read."""


def _open(subject: Subject) -> tuple[Task, TaskIndex]:
    task: Task = subject.make_with_data()
    remedy = "raise DataError where the data cannot be used"
    with fault_if_raises("reading its index", remedy, needs_data=True):
        index = task.index()
    if not isinstance(index, TaskIndex):
        raise Fault(f"index() gives a {type(index).__name__}", "give a distbench.TaskIndex")
    return task, index


def _some(part: Part) -> list[int]:
    """Positions spread over a part."""
    return sorted({int(p) for p in np.linspace(0, len(part) - 1, min(_READ, len(part)))})


@check("task")
def index(subject: Subject) -> None:
    """Classes, parts, labels and names go together."""
    _, index = _open(subject)
    if len(index.classes) < 2:
        raise Fault(f"its classes are {index.classes}", "give two or more")
    for name in ("train", "test"):
        if not len(index.parts.get(name, ())):
            raise Fault(f"it has no part {name!r}", "a task has images to train on and to test on")
    if wrong := index_finding(index) or without_label(index):
        raise Fault(*wrong)
    labels = index.parts["train"].labels
    known = {*np.flatnonzero((labels == 1).any(axis=0))} if index.several else {*labels.tolist()}
    if missing := [c for i, c in enumerate(index.classes) if i not in known]:
        raise Fault(f"no train image is of class {missing[0]!r}", "leave out classes without one")


@check("task")
def fingerprint(subject: Subject) -> None:
    """The fingerprint is a text, the same every time."""
    one, other = _open(subject)[1].fingerprint, _open(subject)[1].fingerprint
    if not isinstance(one, str) or not one:
        raise Fault(f"its fingerprint is {one!r}", "hash labels, split and images, or a version")
    if one != other:
        raise Fault("its fingerprint differs from call to call", "hash the data and nothing else")


def _read(task: Task, part: str, positions: list[int]) -> list[NDArray[np.uint8]]:
    with fault_if_raises(
        f"reading images of {part}", "raise CorruptImageError for one that is broken"
    ):
        return list(task.read(part, positions))


@check("task")
def images(subject: Subject) -> None:
    """Images are uint8 of shape (h, w, 3), in the order in which they are asked for."""
    task, index = _open(subject)
    for name, part in index.parts.items():
        positions = _some(part)
        read = _read(task, name, positions)
        if len(read) != len(positions):
            raise Fault(f"{len(read)} images for {len(positions)} positions", "give one for each")
        for image in read:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise Fault(
                    f"an image of {name} is {image.dtype} {image.shape}",
                    "give uint8 of shape (h, w, 3), RGB",
                )
        backwards = _read(task, name, positions[::-1])[::-1]
        if not _same(read, backwards):
            raise Fault(
                f"images of {name} come in another order than asked for, or differ when read again",
                "read() gives the image of each position, in that order",
            )
    if _read(task, "train", []):
        raise Fault("it gives images where none is asked for", "read(part, []) gives none")


@check("task")
def read_reduced(subject: Subject) -> None:
    """Images that are read smaller keep twice the side that is wanted, or their own."""
    task, index = _open(subject)
    positions = _some(index.parts["train"])[:8]
    side = 16
    with fault_if_raises("reading reduced images", "read_reduced() may leave images as they are"):
        small = list(task.read_reduced("train", positions, side))
    for whole, image in zip(_read(task, "train", positions), small, strict=True):
        if min(image.shape[:2]) < min(2 * side, *whole.shape[:2]):
            raise Fault(
                f"an image of {whole.shape[:2]} comes as {image.shape[:2]} for a side of {side}",
                "no side below twice the one that is wanted",
            )


@check("task")
def threads(subject: Subject) -> None:
    """Images that are read from several threads at once are those read alone."""
    task, index = _open(subject)
    positions = _some(index.parts["train"])
    wanted = _read(task, "train", positions)
    with ThreadPoolExecutor(8) as pool:
        each = list(pool.map(lambda p: _read(task, "train", [p])[0], positions * 4))
    if not _same(wanted * 4, each):
        raise Fault(
            "images read from several threads differ from those read alone",
            "share no open file or buffer between calls of read()",
        )


def _same(one: list[NDArray[np.uint8]], other: list[NDArray[np.uint8]]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))
