"""Which images belong together: copies, and what a person names with the parameter `group`."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from distbench import DataError

FOLDER = "folder"
DESCRIPTION = (
    "what belongs together and is never divided between parts, e.g. the images of a patient: a "
    "column{more}, or a regular expression on file names whose brackets hold the group, e.g. "
    '"(patient\\d+)_"; images that it does not match stand alone'
)

Namer = Callable[[str], str | None]
"""From the name of an image to its group; None where it stands alone."""


def namer(given: str, columns: Sequence[str] = (), depth: int | None = None) -> Namer:
    """How `group` finds the group of an image in its name.

    Args:
        given: The parameter: ``folder``, or a regular expression with one pair of brackets.
        columns: Columns that could have been meant, for messages.
        depth: Folders above that of the class. None where folders are not classes: then all
            folders of a name are its group.

    Raises:
        DataError: It is neither.
    """
    if given == FOLDER:
        return lambda name: _folder(name.split("/")[:-1], depth)
    others = f" and no column (there are {', '.join(columns)})" if columns else ""
    try:
        pattern = re.compile(given)
        fault = f"it has {pattern.groups} groups in brackets"
    except re.error as error:
        pattern, fault = re.compile(""), str(error)
    if pattern.groups != 1:
        raise DataError(
            f"group={given} is no regular expression with one group in brackets: {fault}"
            f'{others}; write for example group="(patient\\d+)_"'
        )

    def search(name: str) -> str | None:
        match = pattern.search(name.rpartition("/")[2])
        return match[1] if match else None

    return search


def _folder(above: Sequence[str], depth: int | None) -> str | None:
    if depth is None:
        return "/".join(above) or None
    return above[depth + 1] if len(above) > depth + 1 else None


def checked_groups(given: str, groups: Sequence[str | None], where: str) -> Sequence[str | None]:
    """The groups, if any image has one.

    Raises:
        DataError: None has.
    """
    if groups and not any(groups):
        raise DataError(
            f"group={given} gives no image of {where} a group; mend it, or leave it out"
        )
    return groups


def united(digests: Sequence[Hashable], *groups: Sequence[str | None] | None) -> list[int]:
    """A number for each image; images with equal content or in one group have the same.

    Args:
        digests: Of the images' content.
        groups: Name of the group of each, if it has one; perhaps for several kinds of groups.

    Returns:
        Numbers in the order in which they first occur.
    """
    above = list(range(len(digests)))
    if not any(map(any, filter(None, groups))) and len(set(digests)) == len(digests):
        return above

    def top(position: int) -> int:
        while above[position] != position:
            above[position] = above[above[position]]
            position = above[position]
        return position

    for keys in (digests, *filter(None, groups)):
        first: dict[Hashable, int] = {}
        for position, key in enumerate(keys):
            if key is not None:
                above[top(position)] = top(first.setdefault(key, position))
    number: dict[int, int] = {}
    return [number.setdefault(top(position), len(number)) for position in range(len(digests))]


def divided_numbers(
    numbers: Sequence[int], counts: dict[str, int]
) -> dict[str, NDArray[np.int64] | None]:
    """The numbers of each part, as `Part.groups` takes them.

    Args:
        numbers: As `united` gives them, part after part.
        counts: How many images each part has.

    Returns:
        None for every part where each training image stands alone.
    """
    whole = np.array(numbers, dtype=np.int64)
    ends = np.cumsum(list(counts.values()))
    parts = dict(zip(counts, np.split(whole, ends[:-1]), strict=True))
    if len(np.unique(parts["train"])) == len(parts["train"]):
        return dict.fromkeys(parts)
    return dict(parts)
