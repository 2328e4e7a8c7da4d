"""Several classes of an image in one cell of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from distbench import UNLABELLED, DataError
from distbench_builtin.shared.images.folder_tree import ImageFile, plain

Sets = Mapping[str, Sequence[str]]
"""From the place of an image to the classes that it shows, sorted; none is a set, too."""

DESCRIPTION = (
    "true: an image may show several classes; the table's cell has their names with | or ; "
    "between them, and such a sign alone where it shows none"
)

_BETWEEN = re.compile("[|;]")


def classes_in(cell: str) -> tuple[str, ...]:
    """The classes that a cell names, sorted, each once."""
    return tuple(sorted({plain(name) for part in _BETWEEN.split(cell) if (name := part.strip())}))


def joined(names: Sequence[str]) -> str:
    """A set of classes as one text, from which `classes_in` makes it again."""
    return "|".join(names) or "|"


def label_matrix(given: Sequence[str | None], classes: Sequence[str]) -> NDArray[np.int64]:
    """Labels (n, c) as `Part.labels` has them.

    Args:
        given: Of each image its classes as `joined` writes them; None where nothing is known.
        classes: All of them, in order.
    """
    number = {name: i for i, name in enumerate(classes)}
    labels = np.full((len(given), len(classes)), UNLABELLED, np.int64)
    for row, names in zip(labels, given, strict=True):
        if names is not None:
            row[:] = 0
            row[[number[name] for name in classes_in(names)]] = 1
    return labels


def rarest(names: Sequence[str], times: Mapping[str, int]) -> str:
    """The class that the fewest images show, of equally rare ones the first; of no class ``|``."""
    return min(names, key=lambda name: (times[name], name)) if names else "|"


def by_rarest(
    parts: Mapping[str, Mapping[str, Sequence[ImageFile]]], sets: Sets
) -> dict[str, dict[str, list[ImageFile]]]:
    """Images of each part by the rarest class that they show, by which a test part is drawn.

    So each class has its share of it. Rare is what few images of train show; of equally rare ones
    the first by name counts. Images that show no class are together.

    Args:
        parts: Images by any division, by part.
        sets: Their classes.
    """
    train = [image for own in parts["train"].values() for image in own]
    times = Counter(name for image in train for name in sets[image.place])
    made: dict[str, dict[str, list[ImageFile]]] = {}
    for part, divisions in parts.items():
        made[part] = {}
        for image in (image for own in divisions.values() for image in own):
            made[part].setdefault(rarest(sets[image.place], times), []).append(image)
    return made


def by_class(
    divisions: Mapping[str, Sequence[ImageFile]], sets: Sets
) -> dict[str, list[ImageFile]]:
    """Images by the classes that they show; one that shows several is there as often."""
    made: dict[str, list[ImageFile]] = {}
    for image in (image for own in divisions.values() for image in own):
        for name in sets[image.place]:
            made.setdefault(name, []).append(image)
    return made


def check_joined(first: Mapping[str, str], where: str, column: str) -> None:
    """Questions labels that seem to name several classes, where nobody said that they do.

    Args:
        first: Each label as it is written, and what its first row is called.
        where: The table, for messages.
        column: Of the labels.

    Raises:
        DataError: A label has | or ; in it, and what stands on one side of it is a label, too, or
            stands so in another.
    """
    made = {label: classes_in(label) for label in first}
    times = Counter(name for names in made.values() for name in names)
    for label, names in made.items():
        if len(names) > 1 and any(times[name] > 1 for name in names):
            raise DataError(
                f"{first[label]} of {where} has {label!r} in column {column!r}: are these several "
                "classes of one image? Say multilabel=true, or take each label as one class with "
                "labels=keep"
            )
