"""Labels of a table that look like slips: no label in disguise, one class spelt in two ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from distbench import DataError

Labels = Literal["check", "keep"]
DESCRIPTION = (
    "keep: take every label of the table as it is written, also what looks like none (-1, nan, "
    "none, null, n/a, ?) or differs from another in capitals or a decimal point alone"
)
_NONE = frozenset({"-1", "-1.0", "nan", "none", "null", "<na>", "n/a", "#n/a", "?"})


def check_labels(first: Mapping[str, str], where: str, column: str) -> None:
    """Questions labels that a person hardly meant.

    Args:
        first: Each label as it is written, and what its first row is called.
        where: The table, for messages.
        column: Of the labels.

    Raises:
        DataError: There is one; names its rows and what to do.
    """
    held = "or take labels as they are written with labels=keep"
    spellings: dict[str, str] = {}
    for label, row in first.items():
        if label.casefold() in _NONE:
            raise DataError(
                f"{row} of {where} has the label {label!r} in column {column!r}: is that a class? "
                f"Leave the cell of an image without a label empty, {held}"
            )
        other = spellings.setdefault(_plain(label), label)
        if other != label:
            raise DataError(
                f"column {column!r} of {where} has {other!r} ({first[other]}) and {label!r} "
                f"({row}): are they one class? Write it in one way, {held}"
            )


def _plain(label: str) -> str:
    """What a label is but for capitals, blanks and the way to write a number."""
    text = " ".join(label.casefold().split())
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and "." in text else text
