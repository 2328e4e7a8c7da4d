"""Columns of a table file, read row by row: CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pydantic_core import from_json

from distbench import DataError

KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_DELIMITERS = ",;\t|"
_LOOK = 1000
_TROUBLE = (OSError, ValueError, TypeError, NotImplementedError, csv.Error, RecursionError)
"""What the readers raise of broken files; those of pyarrow are of these kinds."""

Cells = tuple[int, tuple[str, ...]]
"""Number of a row, as a person counts, and its values as text; empty where there is none."""


class Table:
    """A table file.

    Args:
        path: The file; its suffix says what it is.

    Attributes:
        columns: Names of its columns.

    Raises:
        DataError: It is absent or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            raise DataError(f"{path} is no table; its name must end in {', '.join(KINDS)}")
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise DataError(f"the table {path} {what}; mend table=FILE")
        self._kind = kind
        try:
            self.columns = self._columns()
        except _TROUBLE as error:
            raise self._unreadable(error) from None

    def rows(self, columns: Sequence[str]) -> Iterator[Cells]:
        """The values of some columns, row by row.

        Raises:
            DataError: A row is damaged; says which.
        """
        read = {"csv": self._csv_rows, "json": self._json_rows, "parquet": self._parquet_rows}
        try:
            for number, values in read[self._kind](columns):
                yield number, tuple(self._text(v, number) for v in values)
        except _TROUBLE as error:
            raise self._unreadable(error) from None

    def row_name(self, number: int) -> str:
        """What a row is called in messages."""
        return f"row {number}" if self._kind == "parquet" else f"line {number}"

    def _unreadable(self, error: Exception) -> DataError:
        if isinstance(error, UnicodeDecodeError):
            return DataError(f"the table {self.path} is not UTF-8 text; save it as UTF-8")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        return DataError(f"cannot read the table {self.path}: {reason}")

    def _columns(self) -> tuple[str, ...]:
        if self._kind == "parquet":
            from pyarrow import parquet

            with parquet.ParquetFile(self.path) as file:
                return tuple(file.schema_arrow.names)
        if self._kind == "json":
            seen: dict[str, None] = {}
            for _, row in islice(self._objects(), _LOOK):
                seen |= dict.fromkeys(row)
            return tuple(seen)
        with self._open() as stream:
            first = next((line for line in stream if line.strip()), "")
        # The most columns, not the sniffer of the csv module, which guesses from all it sees.
        self._delimiter = max(
            _DELIMITERS, key=lambda d: len(next(csv.reader([first], delimiter=d)))
        )
        header = next(csv.reader([first], delimiter=self._delimiter), [])
        names = tuple(name.strip() for name in header)
        if twice := {name for name in names if name and names.count(name) > 1}:
            raise ValueError(f"two columns are called {min(twice)!r}")
        return names

    def _open(self) -> IO[str]:
        return self.path.open(encoding="utf-8-sig", newline="")

    def _csv_rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Sequence[Any]]]:
        wanted = [self.columns.index(column) for column in columns]
        with self._open() as stream:
            lines = csv.reader(stream, delimiter=self._delimiter, strict=True)
            header = next((cells for cells in lines if any(c.strip() for c in cells)), [])
            for cells in lines:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    raise ValueError(
                        f"line {lines.line_num} has {len(cells)} cells, the first line names "
                        f"{len(header)} columns; put values that hold {self._delimiter!r} in quotes"
                    )
                yield lines.line_num, [cells[i] for i in wanted]

    def _json_rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Sequence[Any]]]:
        for number, row in self._objects():
            yield number, [row.get(column) for column in columns]

    def _objects(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """JSON objects, one a line, or all in one list."""
        with self._open() as stream:
            start = stream.read(1)
            while start.isspace():
                start = stream.read(1)
            stream.seek(0)
            whole = start == "["
            lines = enumerate(from_json(stream.read()) if whole else stream, 1)
            for number, line in lines:
                if not whole and not line.strip():
                    continue
                try:
                    row = line if whole else from_json(line)
                except ValueError as error:
                    raise ValueError(f"line {number} is no JSON: {error}") from None
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is no object such as {{...}}")
                yield number, row

    def _parquet_rows(self, columns: Sequence[str]) -> Iterator[tuple[int, Sequence[Any]]]:
        from pyarrow import parquet

        number = 0
        with parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(columns=list(dict.fromkeys(columns))):
                values = [batch.column(column).to_pylist() for column in columns]
                for row in zip(*values, strict=True):
                    number += 1
                    yield number, row

    def _text(self, value: Any, number: int) -> str:
        """A value as text: whole numbers without a point, nothing as the empty text."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, (str, int, float)):
            return str(value).strip()
        kind = {"dict": "an object", "list": "a list", "bytes": "bytes"}
        raise ValueError(
            f"{self.row_name(number)} holds {kind.get(type(value).__name__, type(value).__name__)} "
            "where a file name, class or part should be"
        )
