"""Rows of a run's folder held against the test predictions that lie beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from distbench.storage.predictions import (
    FILE,
    are_predictions,
    opened_predictions,
    predictions_digest,
    whole_images,
)
from distbench.storage.rows import Row


class KeptPredictions:
    """The predictions of a run's folder, to which its rows are bound.

    Args:
        folder: The run's folder.

    Raises:
        OSError: The predictions are there and cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._tensors = opened_predictions(folder / FILE)
        self._names = frozenset(self._tensors.keys()) if self._tensors is not None else frozenset()
        self._rows = self._missing = 0

    def check(self, row: Row, inside: NDArray[Any] | None = None) -> NDArray[Any] | None:
        """Holds a row against its predictions; one without any is counted for `note`.

        Args:
            row: The row.
            inside: Predictions that a row of schema 1 holds in itself.

        Returns:
            Its predictions; None where it has none.

        Raises:
            ValueError: The row claims what its predictions cannot give.
        """
        if row.status != "done" or row.result is None:
            return None
        result, test = row.result, row.result.parts.test
        where = f"{row.method.id} on {row.task.id}, seed {row.seed}"
        if not whole_images(result.accuracy, test):
            raise ValueError(
                f"accuracy {result.accuracy:.6g} of {where} is no whole number of {test:,} test "
                "images"
            )
        self._rows += 1
        predictions = inside if inside is not None else self._of(row.key)
        if predictions is None:
            self._missing += 1
        elif predictions_digest(predictions) != result.predictions_digest:
            raise ValueError(f"the predictions of {where} are not those of its digest")
        elif len(predictions) != test:
            raise ValueError(f"{where} has {len(predictions)} predictions of {test:,} test images")
        return predictions

    @property
    def note(self) -> str | None:
        """That predictions are missing; None if all rows that were checked have theirs."""
        if not self._missing:
            return None
        return (
            f"{FILE} does not hold the predictions of {self._missing} of {self._rows} done cells, "
            "so nothing backs their accuracies; `distbench run` with the same options writes them "
            "again"
        )

    def _of(self, key: str) -> NDArray[Any] | None:
        """Those of a cell; None where there are none of the right form."""
        if self._tensors is None or key not in self._names:
            return None
        tensor: NDArray[Any] = self._tensors.get_tensor(key)
        return tensor if are_predictions(tensor) else None
