"""Classes of the rows of a data set of the Hub, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from distbench import DataError
from distbench_builtin.shared.images.hub_rows import Rows

if TYPE_CHECKING:
    from datasets import Features


def class_values(rows: Rows, features: Features, column: str) -> list[Any]:
    """The labels of a split: names where the data set has names for its numbers.

    Each file may number the same classes in an order of its own, so its own names count.

    Raises:
        DataError: A number has no name, or the names of a file are not those of the data set.
    """
    from datasets import ClassLabel

    kind, values = features[column], rows.column(column)
    if not isinstance(kind, ClassLabel):
        return values
    texts: list[Any] = []
    for file, count, own in rows.files(column):
        known = _names(file, kind.names, own)
        for row, value in enumerate(values[len(texts) : len(texts) + count]):
            texts.append(_name(value, known, row, file, column))
    return texts


def differently_numbered(splits: Iterable[Rows], features: Features, column: str) -> list[str]:
    """Files that give the numbers of a column other names than the data set does."""
    from datasets import ClassLabel

    kind = features[column]
    if not isinstance(kind, ClassLabel):
        return []
    return [
        file
        for rows in splits
        for file, _, own in rows.files(column)
        if list(_names(file, kind.names, own)) != kind.names[: len(own or kind.names)]
    ]


def _names(file: str, declared: Sequence[str], own: Sequence[str] | None) -> Sequence[str]:
    """By which names a file's numbers are read."""
    if own is None or not set(own) - set(declared):
        return declared if own is None else own
    if all(name not in declared or declared.index(name) == i for i, name in enumerate(own)):
        return declared  # the card gives some of the same numbers other names
    others = ", ".join(sorted(set(own) - set(declared))[:5])
    raise DataError(
        f"{file} names classes that the data set's card or its other files do not: {others}. "
        "Make the names of all files those of the card"
    )


def _name(value: Any, names: Sequence[str], row: int, file: str, column: str) -> str | None:
    """The class of a row; None where it has none."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if value in names:
            return value
    elif int(value) < 0:
        return None
    elif int(value) < len(names):
        return names[int(value)]
    where = f"row {row} of {file}" if file else f"row {row}"
    raise DataError(
        f"{where} has {value!r} in column {column!r}, but its {len(names)} classes are 0 to "
        f"{len(names) - 1} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}); mend or "
        "remove it"
    )
