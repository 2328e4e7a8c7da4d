"""Tables of images: CSV, TSV or Parquet with a column of files and one of classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from distbench.errors import UsageError, did_you_mean, reason_of
from distbench.workflows.export.opened import Model

TABLES = frozenset({".csv", ".tsv", ".parquet"})
_PATHS = ("image", "path", "file", "filename", "file_name", "image_path", "filepath")
_LABELS = ("label", "class", "labels", "classes", "target", "category")
_BETWEEN = re.compile(r"[|;]")
"""What stands between the classes of an image in one cell."""


def read_table(
    file: Path, model: Model, path_column: str | None, label_column: str | None, labelled: bool
) -> Iterator[tuple[Path, tuple[str, ...] | None]]:
    """Files of a table, relative to its folder, each with its classes where they are wanted.

    Args:
        file: The table.
        model: Whether an image may show several classes, and which there are.
        path_column: Which column holds the files; the first with a usual name, if None.
        label_column: Which holds the classes; the same. Without one, columns that are called like
            all the classes and hold 0 and 1 are taken.
        labelled: Whether classes are wanted.

    Raises:
        UsageError: It cannot be read, or has no such column.
    """
    frame = _read(file)
    names = list(map(str, frame.columns))
    paths = _column(file, names, path_column, _PATHS, "--path-column")
    if paths is None and len(names) > 1:
        raise UsageError(
            f"{file}: which column holds the images? Say it with --path-column; there are "
            f"{', '.join(names)}"
        )
    of_paths: Iterable[Any] = frame[paths or names[0]]
    labels: Iterable[tuple[str, ...] | None] = [None] * len(frame)
    if labelled:
        column = _column(file, names, label_column, _LABELS, "--label-column")
        if column is not None:
            labels = [_classes(value, model.several) for value in frame[column]]
        elif model.several and set(model.classes) <= set(names):
            shown = frame[list(model.classes)].astype(str).isin({"1", "1.0", "True", "true"})
            labels = [
                tuple(name for name, one in zip(model.classes, row, strict=True) if one)
                for row in shown.to_numpy()
            ]
    for path, classes in zip(of_paths, labels, strict=True):
        if text := ("" if path is None else str(path)).strip().replace("\\", "/"):
            yield file.parent / text, classes


def _read(file: Path) -> Any:
    """The table as a data frame, a CSV's cells as texts."""
    import pandas

    try:
        if file.suffix.lower() == ".parquet":
            return pandas.read_parquet(file)
        with file.open(encoding="utf-8-sig") as text:
            head = text.readline()
        between = max(",;\t", key=head.count)
        return pandas.read_csv(
            file, sep=between, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (ValueError, OSError) as error:  # ValueError: of pandas, of pyarrow, of decoding
        raise UsageError(f"{file} cannot be read as a table: {reason_of(error)}") from None


def _column(
    file: Path, names: list[str], wanted: str | None, usual: tuple[str, ...], option: str
) -> str | None:
    """The column that was named, or the first that has a usual name; None where none has."""
    if wanted is not None:
        if wanted not in names:
            raise UsageError(
                f"{file} has no column {wanted!r} ({option}).{did_you_mean(wanted, names)} There "
                f"are {', '.join(names)}"
            )
        return wanted
    by_folded = {name.strip().casefold(): name for name in reversed(names)}
    return next((by_folded[name] for name in usual if name in by_folded), None)


def _classes(value: Any, several: bool) -> tuple[str, ...] | None:
    """The classes of a cell; None where it is empty, and an image shows one class."""
    if value is None or value != value:  # NaN
        return None
    if not several:
        return (str(value).strip(),) if str(value).strip() else None
    parts = _BETWEEN.split(value) if isinstance(value, str) else map(str, value)
    return None if value == "" else tuple(part.strip() for part in parts if part.strip())
