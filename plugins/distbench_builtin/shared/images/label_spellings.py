"""Labels and groups that look like slips: none in disguise, one that is spelt in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from distbench import DataError
from distbench_builtin.shared.images.copies import Item

Labels = Literal["check", "keep"]
DESCRIPTION = (
    "keep: take every label and group, and name of a class folder, as it is written, also a label "
    "that looks like none (-1, nan, none, null, n/a, ?), and what differs from another in "
    "capitals, blanks, dashes or the way to write a number (1, 01, 1.0) alone"
)
_NONE = frozenset(
    {"-1", "-1.0", "nan", "none", "null", "<na>", "n/a", "#n/a", "na", "nat", "?", "-"}
)


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
    spellings: dict[Hashable, str] = {}
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


def check_class_folders(names: Iterable[str], root: Path) -> None:
    """Questions class folders whose names are one name, written in two ways.

    Raises:
        DataError: There are two.
    """
    spellings: dict[Hashable, str] = {}
    for name in names:
        other = spellings.setdefault(_plain(name), name)
        if other != name:
            raise DataError(
                f"{root} has class folders {other!r} and {name!r}: are they one class? Put their "
                "images into one, or take folders as they are named with labels=keep"
            )


def check_groups(items: Iterable[Item], given: str | None, where: str) -> None:
    """Questions groups whose names are one name, written in two ways.

    Two spellings of a patient are two patients, whose images may then lie in two parts.

    Args:
        items: The images.
        given: The parameter `group`.
        where: What holds them, for messages.

    Raises:
        DataError: There are two; names an image of each.
    """
    first: dict[str, str] = {}
    for item in items:
        if item.group is not None:
            first.setdefault(item.group, item.name)
    spellings: dict[Hashable, str] = {}
    for group, name in first.items():
        other = spellings.setdefault(_plain(group), group)
        if other != group:
            raise DataError(
                f"group={given} gives {where} the groups {other!r} ({first[other]}) and {group!r} "
                f"({name}): are they one? Write it in one way, or take groups as they are written "
                "with labels=keep"
            )


def _plain(label: str) -> Hashable:
    """What a label is but for capitals, blanks, dashes and the way to write a letter or number."""
    text = unicodedata.normalize("NFKC", label).casefold()
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    number = _number(text)
    return " ".join(re.split(r"[\s_-]+", text)).strip() if number is None else number


def _number(text: str) -> Decimal | None:
    """The number that a text is, to its last digit: one of 1, 01, 1.0 and 1e0."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and "_" not in text else None
