"""Rows as a table of Arrow, and as the file ``rows.parquet`` of a run's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.errors import RefusedError
from distbench.storage.atomic import replacing
from distbench.storage.rows import Row
from distbench.workflows.results.row_columns import COLUMNS, Column, row_values

if TYPE_CHECKING:
    import pyarrow

FILE = "rows.parquet"
"""Of a run's folder: its rows, flat; ``rows.jsonl`` beside it is what counts."""

ROWS_DIGEST = b"distbench.rows_sha256"
"""In the metadata of the file: SHA-256 (hex) of the ``rows.jsonl`` that it was made with."""

_AT_ONCE = 4096


def row_table(
    lines: Iterable[Mapping[str, Any]], columns: tuple[Column, ...] = COLUMNS
) -> pyarrow.Table:
    """Lines as a table; they are held as Python objects a few thousand at a time.

    Args:
        lines: Values by column.
        columns: Those of the table.

    Raises:
        RefusedError: A value does not fit its column.
    """
    import pyarrow

    return pyarrow.Table.from_batches(_batches(lines, columns), _schema(columns))


def write_row_file(path: Path, rows: Iterable[Row], rows_digest: str) -> None:
    """Writes rows as Parquet, whole or not at all.

    Args:
        path: The file.
        rows: The rows.
        rows_digest: SHA-256 (hex) of the ``rows.jsonl`` that holds the same.

    Raises:
        OSError: No space, no permission.
    """
    from pyarrow.parquet import ParquetWriter

    schema = _schema(COLUMNS).with_metadata({ROWS_DIGEST: rows_digest})
    with replacing(path) as draft, ParquetWriter(draft, schema, compression="zstd") as writer:
        for batch in _batches(map(row_values, rows), COLUMNS):
            writer.write_batch(batch)


def is_of(path: Path, rows_file: Path) -> bool:
    """Whether a file of Parquet was made with this ``rows.jsonl``, as it is now.

    Raises:
        OSError: One of them cannot be read.
    """
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_schema

    try:
        metadata = read_schema(path).metadata or {}
    except ArrowInvalid:
        return False
    digest = hashlib.sha256(rows_file.read_bytes()).hexdigest()
    return bool(metadata.get(ROWS_DIGEST) == digest.encode())


def _schema(columns: tuple[Column, ...]) -> pyarrow.Schema:
    import pyarrow

    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
    }
    return pyarrow.schema([(column.name, types[column.type]) for column in columns])


def _batches(
    lines: Iterable[Mapping[str, Any]], columns: tuple[Column, ...]
) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    schema, rest = _schema(columns), iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        arrays = []
        for field in schema:
            try:
                arrays.append(pyarrow.array([one[field.name] for one in some], field.type))
            except (ValueError, TypeError, OverflowError) as error:
                raise RefusedError(f"{field.name} of a row is no {field.type}: {error}") from None
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
