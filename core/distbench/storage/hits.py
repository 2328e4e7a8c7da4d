"""Which test images each cell of a run's folder classified rightly: predictions against labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.storage.atomic import write_atomic
from distbench.storage.predictions import (
    FILE,
    ROUNDING,
    Predictions,
    answered_rightly,
    opened_predictions,
    packed,
)
from distbench.storage.rows import Row

LABELS = "test_labels.safetensors"
"""Of a run's folder: the labels of the test images, one tensor for each task, named by its id; of
images that may show several classes (m, c), each entry one higher, so that -1 is kept as 0."""


def write_test_labels(folder: Path, labels: Mapping[str, NDArray[np.int64]]) -> None:
    """Keeps the test labels of tasks beside the predictions; those that lie there already stay.

    Raises:
        OSError: No space, no permission.
    """
    lifted = {task: own + 1 if own.ndim == 2 else own for task, own in labels.items()}
    kept = {**_tensors(folder / LABELS), **lifted}
    if kept:
        write_atomic(folder / LABELS, packed(kept))


def read_test_labels(folder: Path) -> dict[str, NDArray[np.int64]]:
    """The test labels that a run's folder holds, by task; what cannot be read is not there."""
    kept = {task: own.astype(np.int64) for task, own in _tensors(folder / LABELS).items()}
    return {task: own - 1 if own.ndim == 2 else own for task, own in kept.items()}


def packed_hits(
    row: Row, predictions: NDArray[Any] | None, labels: NDArray[np.int64] | None
) -> bytes | None:
    """The test images that a cell classified rightly, eight a byte as `numpy.packbits` has them.

    None where predictions or labels are not at hand, or do not give the accuracy of the row: then
    they are not those that it was computed from.
    """
    if row.result is None or predictions is None or labels is None:
        return None
    if predictions.shape != labels.shape or not len(labels):
        return None
    right = answered_rightly(predictions, labels)
    if abs(float(right.mean()) - row.result.accuracy) > ROUNDING:
        return None
    return np.packbits(right).tobytes()


class FolderHits:
    """What the cells of a run's folder answered on test images, and what of it is right.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._labels = read_test_labels(folder)
        self._predictions = opened_predictions(folder / FILE) if self._labels else None
        names = self._predictions.keys() if self._predictions is not None else ()
        self._names = frozenset(names)

    def of(self, row: Row) -> bytes | None:
        """`packed_hits` of a row."""
        return packed_hits(row, self.predictions(row), self.labels(row))

    def labels(self, row: Row) -> NDArray[np.int64] | None:
        """The test labels of a row's task, (m,) or (m, c), where the folder holds them."""
        return self._labels.get(row.task.id)

    def predictions(self, row: Row) -> Predictions | None:
        """The predictions of a row, int64 (m,) or (m, c), where the folder holds them."""
        if self._predictions is None or row.key not in self._names:
            return None
        return np.asarray(self._predictions.get_tensor(row.key), dtype=np.int64)


def _tensors(path: Path) -> dict[str, NDArray[Any]]:
    opened = opened_predictions(path)
    names = opened.keys() if opened is not None else ()
    return {name: opened.get_tensor(name) for name in names}
