"""Classes of the rows of a data set of the Hub, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from distbench import DataError
from distbench_builtin.shared.hub_data.kinds import class_label_in, inner_of
from distbench_builtin.shared.hub_data.rows import Rows
from distbench_builtin.shared.images.label_sets import classes_in, joined
from distbench_builtin.shared.images.pool import Pool, in_natural_order

if TYPE_CHECKING:
    from datasets import Features


def class_values(rows: Rows, features: Features, column: str) -> list[Any]:
    """The labels of a split: names where the data set has names for its numbers.

    Each file may number the same classes in an order of its own, so its own names count. A list of
    classes becomes one text, as `label_sets.joined` writes it.

    Raises:
        DataError: A number has no name, or the names of a file are not those of the data set; or a
            list holds what no class can be called.
    """
    kind, values = class_label_in(features[column]), rows.column(column)
    several = inner_of(features[column]) is not None
    if kind is None and not several:
        return values
    texts: list[Any] = []
    for file, count, own in rows.files(column):
        known = None if kind is None else _names(file, kind.names, own)
        for row, value in enumerate(values[len(texts) : len(texts) + count]):
            where = f"row {row} of {file}" if file else f"row {row}"
            texts.append((_set if several else _name)(value, known, where, column))
    return texts


def class_names(kind: object, pools: Iterable[Pool]) -> tuple[str, ...]:
    """Class names in the data set's own order; those that no image has are left out."""
    used = {name for pool in pools for label in pool.labels for name in pool.names_in(label)}
    declared = class_label_in(kind)
    if declared is not None:
        return tuple(name for name in declared.names if name in used)
    return tuple(in_natural_order(used))


def differently_numbered(splits: Iterable[Rows], features: Features, column: str) -> list[str]:
    """Files that give the numbers of a column other names than the data set does."""
    kind = class_label_in(features[column])
    if kind is None:
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


def _set(value: Any, names: Sequence[str] | None, where: str, column: str) -> str | None:
    """All classes of a row as one text; None where nothing is known of it."""
    if value is None:
        return None
    own = [v if names is None else _name(v, names, where, column) for v in value]
    text = joined([str(name) for name in own if name is not None])
    if None in own or set(classes_in(text)) != {str(name) for name in own}:
        raise DataError(
            f"{where} has {value!r} in column {column!r}: each entry must name a class, without | "
            "or ; and without spaces around it; mend or remove it"
        )
    return text


def _name(value: Any, names: Sequence[str] | None, where: str, column: str) -> str | None:
    """The class of a row; None where it has none."""
    names = names or ()
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if value in names:
            return value
    elif int(value) < 0:
        return None
    elif int(value) < len(names):
        return names[int(value)]
    raise DataError(
        f"{where} has {value!r} in column {column!r}, but its {len(names)} classes are 0 to "
        f"{len(names) - 1} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}); mend or "
        "remove it"
    )
