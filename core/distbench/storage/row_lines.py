"""Rows of a run folder: one JSON object a line, each with the SHA-256 of its own text."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from numpy.typing import NDArray

from distbench.storage.row_schemas import read_row
from distbench.storage.rows import Row

OF_ANOTHER_RUN = "is of a cell that plan.json beside it does not have"
"""What is said of a row that is whole and lies in the folder of another run."""
_SEAL, _END = b',"sha256":"', b'"}'
_SEAL_BYTES = len(_SEAL) + 64 + len(_END)


class RowLine(NamedTuple):
    """A line that was read.

    Attributes:
        row: Its row.
        predictions: What a row of schema 1 holds in itself.
        sealed: Whether it has a seal, which fits; older versions wrote none.
    """

    row: Row
    predictions: NDArray[Any] | None
    sealed: bool


def sealed_line(row: Row) -> str:
    """A row as JSON without its line's end, with the digest of that JSON as its last field."""
    text = row.model_dump_json().encode()
    seal = _SEAL + hashlib.sha256(text).hexdigest().encode() + _END
    return (text[:-1] + seal).decode()


def read_line(line: bytes) -> RowLine:
    """Reads a line that `sealed_line`, or a distbench before there were seals, wrote.

    Raises:
        NewerSchemaError: It was written by a newer distbench.
        ValueError: It is no row, or was altered after it was written.
    """
    line = line.strip()
    text, seal = line[:-_SEAL_BYTES] + b"}", line[-_SEAL_BYTES:]
    if not seal.startswith(_SEAL) or not seal.endswith(_END):
        return RowLine(*read_row(line), sealed=False)
    if hashlib.sha256(text).hexdigest().encode() != seal[len(_SEAL) : -len(_END)]:
        raise ValueError("it was altered after it was written")
    return RowLine(*read_row(text), sealed=True)


class SealedCount:
    """Counts lines with and without a seal; one run wrote either all with it or all without."""

    def __init__(self) -> None:
        self.sealed = self.unsealed = 0

    def add(self, line: RowLine) -> RowLine:
        """Counts a line and gives it back.

        Raises:
            ValueError: Others have a seal and this one has none, or the other way round.
        """
        self.sealed += line.sealed
        self.unsealed += not line.sealed
        if self.sealed and self.unsealed:
            raise ValueError("some rows have a seal and some have none, so it was altered")
        return line


UNSEALED = (
    "its rows were written by an older distbench and have no seal, so whether they were altered "
    "cannot be told; run it again"
)
"""Of a folder whose rows cannot be checked."""
