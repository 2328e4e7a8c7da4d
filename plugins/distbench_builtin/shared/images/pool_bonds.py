"""Copies and groups among the images of pools: as `bonds` and `parts` do it for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, repeat
from typing import Any

from distbench import DataError, Part
from distbench_builtin.shared.images.contents import known_contents
from distbench_builtin.shared.images.copies import Copies, Item, check_copies
from distbench_builtin.shared.images.drawing import drawn_whole
from distbench_builtin.shared.images.grouping import divided_numbers, united
from distbench_builtin.shared.images.pictures import SIDE, pictures
from distbench_builtin.shared.images.pool import Pool, joined, lot

Items = dict[str, list[Item]]


def items_of(
    pools: Mapping[str, Pool],
    groups: Mapping[str, Sequence[str | None]] | None = None,
    shown: Mapping[str, Sequence[str]] | None = None,
) -> Items:
    """The images of pools with what is known of their contents.

    Args:
        pools: By part.
        groups: By part, the group of each image, where groups were named.
        shown: By part, which picture each image shows, where that counts.
    """
    counts = {part: len(pool) for part, pool in pools.items()}
    known = known_contents({part: pool.contents for part, pool in pools.items()}, counts)
    return {
        part: [
            Item(name, label, digest, group, picture)
            for name, label, digest, group, picture in zip(
                pool.names,
                pool.labels,
                known[part],
                (groups or {}).get(part) or repeat(None, len(pool)),
                (shown or {}).get(part) or repeat(None, len(pool)),
                strict=True,
            )
        ]
        for part, pool in pools.items()
    }


def pictures_of_pools(key: Mapping[str, Any], pools: Mapping[str, Pool]) -> dict[str, list[str]]:
    """By part, the name of the picture that each image shows.

    Args:
        key: What says which data these are.
        pools: By part.
    """
    whole = joined(list(pools.values()))
    names = iter(pictures(key, len(whole), lambda position: whole.read([position], SIDE)[0]))
    return {part: list(islice(names, len(pool))) for part, pool in pools.items()}


def numbers_of(items: Items) -> list[int]:
    """A number for each image, part after part; the same for those that belong together."""
    flat = [item for own in items.values() for item in own]
    return united(
        [item.digest for item in flat],
        [item.group for item in flat],
        [item.picture for item in flat],
    )


def divide(pools: dict[str, Pool], items: Items, share: float, where: str) -> None:
    """Takes a test part from the training images: of each class a rounded share, and never all.

    An image of several classes counts for the rarest of them.

    Hashes of class and name decide which, so the split is the same on every machine and in every
    run. Of a name only the last part without its suffix counts, so that mirrors that keep the
    images' own names are divided alike. What has no label stays; what belongs together does too.

    Args:
        pools: By part; gets the test part.
        items: Their images; likewise.
        share: Of each class.
        where: What holds the images, for messages.

    Raises:
        DataError: All that can be taken hangs together.
    """
    numbers, pool = numbers_of(items), pools["train"]
    start = sum(len(own) for own in list(items.values())[: list(items).index("train")])
    own = numbers[start : start + len(pool)]
    drawn_by = pool.drawn_by()
    classes: dict[str, list[int]] = {}
    stay = {*numbers[:start], *numbers[start + len(pool) :]}
    for row, label in enumerate(drawn_by):
        if label is None:
            stay.add(own[row])
        else:
            classes.setdefault(label, []).append(row)
    lots = [lot(label or "", name) for label, name in zip(drawn_by, pool.names, strict=True)]
    taken = drawn_whole(list(classes.values()), lots, share, own, stay)
    if not taken:
        raise DataError(
            f"no test part can be made: no class has two images that do not belong together in "
            f"{where}"
        )
    sides = {"train": [i for i in range(len(pool)) if i not in taken], "test": sorted(taken)}
    whole = items["train"]
    for part, rows in sides.items():
        pools[part], items[part] = pool.take(rows), [whole[i] for i in rows]


def checked_parts(
    pools: Mapping[str, Pool], items: Items, classes: Sequence[str], where: str, copies: Copies
) -> tuple[dict[str, Part], list[str]]:
    """The parts of an index, and notes on copies in them.

    Args:
        pools: By part.
        items: Their images.
        classes: Names in the order of their numbers.
        where: What holds the images, for messages.
        copies: As `check_copies` takes it.

    Raises:
        DataError: As `check_copies` raises.
    """
    notes = check_copies(items, where, copies)
    groups = divided_numbers(numbers_of(items), {part: len(pools[part]) for part in items})
    return {part: pool.part(classes, groups[part]) for part, pool in pools.items()}, notes


def grouping_facts(parts: Mapping[str, Part]) -> list[object]:
    """What belongs together, for a fingerprint; nothing where each image stands alone."""
    known = sorted((part, own.groups) for part, own in parts.items() if own.groups is not None)
    return [[part, numbers.tolist()] for part, numbers in known]
