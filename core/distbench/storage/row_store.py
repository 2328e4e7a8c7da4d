"""Finished cells of one folder: a row as one file, its predictions and probabilities beside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.storage.atomic import write_atomic
from distbench.storage.predictions import (
    Predictions,
    are_predictions,
    compact,
    predictions_digest,
    read_predictions,
    write_predictions,
)
from distbench.storage.probabilities import Logs, probabilities_digest, read_logs, write_logs
from distbench.storage.row_schemas import read_row
from distbench.storage.rows import Row

FINISHED = frozenset({"done", "declined", "skipped"})
"""States of a row whose cell need not be computed again."""
_ROW, _ANSWERS = "row.json", "answers.safetensors"
"""Files of a cell as `RowStore.files` gives them."""
_OPENING, _MIDDLE, _END = b'{"sha256":"', b'","row":', b"}"
_TENSOR, _LOGS = "predictions", "log_probabilities"


def _sealed(row: Row) -> bytes:
    """A row with the digest of its text before it; the whole is JSON."""
    text = row.model_dump_json().encode()
    return _OPENING + hashlib.sha256(text).hexdigest().encode() + _MIDDLE + text + _END


def _opened(sealed: bytes) -> tuple[Row, NDArray[Any] | None] | None:
    """The row in a sealed text, and the predictions that an old one holds; None if altered."""
    start = len(_OPENING) + 64 + len(_MIDDLE)
    text = sealed[start : -len(_END)]
    seal = sealed[len(_OPENING) : len(_OPENING) + 64]
    if hashlib.sha256(text).hexdigest().encode() != seal:
        return None
    try:
        return read_row(text)
    except ValueError:
        return None


class RowStore:
    """Rows of one folder, one file a cell, each with its digest.

    Beside the row of a cell that is done lie its predictions: ``KEY.safetensors`` by ``KEY.json``,
    and its probabilities, ``KEY.npy``, where the row names them.

    Args:
        folder: Where they lie; made when the first row is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the row of a cell lies; its predictions have the suffix ``.safetensors``."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Row | None:
        """The row of a cell, if it is there, whole, unaltered, of that cell, with its predictions.

        Raises:
            NewerSchemaError: A newer distbench wrote it.
        """
        stored = self._read(key)
        return stored[0] if stored else None

    def predictions(self, key: str) -> Predictions | None:
        """The predictions of a cell that is done; None where `get` gives no such row."""
        stored = self._read(key)
        return stored[1] if stored else None

    def logs(self, row: Row) -> Logs | None:
        """The logarithms of a row's probabilities; None where there are none, or others."""
        if row.result is None or row.result.probabilities_digest is None:
            return None
        path = self.path(row.key).with_suffix(".npy")
        return read_logs(path, row.result.probabilities_digest)

    def _read(self, key: str) -> tuple[Row, Predictions | None] | None:
        path = self.path(key)
        try:
            opened = _opened(path.read_bytes())
        except FileNotFoundError:
            return None
        if opened is None or opened[0].key != key:
            return None
        row, inside = opened
        if row.status != "done":
            return row, None
        if row.result is None:
            return None
        if inside is not None:
            return row, inside.astype(np.int64)
        # They are large, so that their digest is looked at when they are read.
        named = row.result.probabilities_digest is not None
        if named and not path.with_suffix(".npy").is_file():
            return None
        wanted = row.result.predictions_digest
        beside = read_predictions(path.with_suffix(".safetensors"), _TENSOR, wanted)
        return (row, beside) if beside is not None else None

    def files(self, key: str) -> dict[str, bytes] | None:
        """A finished cell as files, for `take` elsewhere; None where there is no whole one."""
        from safetensors.numpy import save

        row, predictions = self._read(key) or (None, None)
        if row is None or row.status not in FINISHED:
            return None
        files, logs = {_ROW: self.path(key).read_bytes()}, self.logs(row)
        if row.result is not None and row.result.probabilities_digest is not None and logs is None:
            return None
        tensors = {} if predictions is None else {_TENSOR: compact(predictions)}
        tensors |= {} if logs is None else {_LOGS: logs}
        return files | ({_ANSWERS: save(tensors)} if tensors else {})

    def take(self, key: str, files: Mapping[str, bytes]) -> Row | None:
        """Stores a cell as `files` gave it elsewhere.

        Returns:
            Its row; None where nothing is stored, since these are not the files of this cell.

        Raises:
            NewerSchemaError: A newer distbench wrote them.
            OSError: No space, no permission.
        """
        cell = _cell_of(key, files)
        if cell is not None:
            self.put(*cell)
        return None if cell is None else cell[0]

    def put(
        self, row: Row, predictions: NDArray[Any] | None = None, logs: Logs | None = None
    ) -> None:
        """Stores a row; one that is done is never replaced by one that is not.

        Args:
            row: The row.
            predictions: Of a cell that is done. They are written first, so that the row of a done
                cell is never there without them.
            logs: Logarithms of its probabilities, where the row names them; written first, too.

        Raises:
            ValueError: The row is done and these are not its predictions or probabilities.
            OSError: No space, no permission.
        """
        path = self.path(row.key)
        if row.status != "done":
            kept = self.get(row.key)
            if kept is not None and kept.status == "done":
                return
        elif (
            row.result is None
            or predictions is None
            or predictions_digest(predictions) != row.result.predictions_digest
        ):
            raise ValueError(f"the row of cell {row.key[:12]} is done but lacks its predictions")
        elif row.result.probabilities_digest != (
            None if logs is None else probabilities_digest(logs)
        ):
            raise ValueError(f"the row of cell {row.key[:12]} has other probabilities than these")
        else:
            if logs is not None:
                write_logs(path.with_suffix(".npy"), logs)
            write_predictions(path.with_suffix(".safetensors"), {_TENSOR: predictions})
        write_atomic(path, _sealed(row))


def is_cell(key: str, files: Mapping[str, bytes]) -> bool:
    """Whether `RowStore.take` can store files as those of a cell.

    Raises:
        NewerSchemaError: A newer distbench wrote them.
    """
    return _cell_of(key, files) is not None


def _cell_of(
    key: str, files: Mapping[str, bytes]
) -> tuple[Row, NDArray[Any] | None, Logs | None] | None:
    """What `RowStore.put` takes, out of files that may come from anywhere."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    opened = _opened(files.get(_ROW, b""))
    if opened is None or opened[0].key != key or opened[0].status not in FINISHED:
        return None
    row, inside = opened
    if row.status != "done":
        return row, None, None
    try:
        tensors = load(files.get(_ANSWERS, b""))
    except (SafetensorError, ValueError, TypeError, KeyError):
        return None
    predictions, logs = tensors.get(_TENSOR, inside), tensors.get(_LOGS)
    if predictions is None or not are_predictions(predictions) or row.result is None:
        return None
    if predictions_digest(predictions) != row.result.predictions_digest:
        return None
    digest = row.result.probabilities_digest
    if logs is not None and (logs.dtype != "<f2" or logs.ndim != 2):
        return None
    same = digest == (None if logs is None else probabilities_digest(logs))
    return (row, predictions, logs) if same else None
