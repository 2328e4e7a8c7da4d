"""What a form that is not exact loses: accuracy on test images before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.engine.stages.reader import reader
from distbench.errors import CorruptImageError
from distbench.storage.predictions import answered_rightly
from distbench.workflows.export.opened import Model
from distbench.workflows.export.student import Original, spread

_MOST = 2000
"""Test images that are shown; of more, so many evenly among them."""
_BATCH = 32
_Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Loss:
    """How right a form is on test images, beside the student.

    Attributes:
        images: How many test images were shown.
        of: How many there are.
        before: Accuracy of the student on those that were shown.
        after: Accuracy of the form on the same.
        changed: How many images get another answer.
        lost: How many were right and are wrong.
        gained: How many were wrong and are right.
    """

    images: int
    of: int
    before: float
    after: float
    changed: int
    lost: int
    gained: int


def loss(original: Original, model: Model) -> Loss:
    """Shows test images of the task to the student, and to a form of it as `predict` would.

    Args:
        original: The student, which sees the images as they were stored.
        model: The form; one of whole images sees those that the task reads.
    """
    images = original.images
    before, after, positions = [], [], []
    for rows, pairs in _batches(original, model):
        before.append(original.logits(np.stack([stored for stored, _ in pairs])))
        after.append(model.logits([given for _, given in pairs]))
        positions += rows
    labels = images.test_labels[positions]
    answers = [_answers(np.concatenate(each), original.task.several) for each in (before, after)]
    was, now = (answered_rightly(each, labels) for each in answers)
    differ = answers[0] != answers[1]
    return Loss(
        images=len(labels),
        of=len(images.test_labels),
        before=float(was.mean()),
        after=float(now.mean()),
        changed=int((differ if differ.ndim == 1 else differ.any(axis=1)).sum()),
        lost=int((was & ~now).sum()),
        gained=int((now & ~was).sum()),
    )


def first_image(original: Original) -> NDArray[np.uint8]:
    """The first test image as the task reads it, uint8 (h, w, 3)."""
    return next(_read(original, np.arange(1)))[1]


def _answers(logits: NDArray[np.floating], several: bool) -> NDArray[np.int64]:
    """As `distbench.engine.stages.evaluate` has them."""
    return (logits >= 0).astype(np.int64) if several else logits.argmax(axis=1)


def _batches(original: Original, model: Model) -> Iterator[tuple[list[int], list[_Pair]]]:
    """Positions of test images, each with its square and with what the form is given."""
    test = original.images.test
    chosen = spread(np.arange(len(test)), _MOST)
    rows: list[int] = []
    pairs: list[_Pair] = []
    seen = _read(original, chosen) if model.whole else ((int(n), np.array(test[n])) for n in chosen)
    for row, image in seen:
        rows.append(row)
        pairs.append((np.array(test[row]), image))
        if len(rows) == _BATCH:
            yield rows, pairs
            rows, pairs = [], []
    if rows:
        yield rows, pairs


def _read(original: Original, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Test images as the task reads them, by their places among those that were stored."""
    component = original.work.names.make("task", original.task.component)
    count = len(component.index().parts["test"])
    wanted, read = set(rows.tolist()), reader(component, original.steps.stored)
    complete = count == len(original.images.test)
    row = 0
    for position in range(count):
        if complete and position not in wanted:
            row += 1
            continue
        try:
            image = read("test", [position])[0]
        except CorruptImageError:  # left out when the images were stored
            continue
        if row in wanted:
            yield row, image
        row += 1
