"""Copies and groups among the images of pools: as `bonds` and `parts` do it for files."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.images.copies import Item
from distbench_builtin.shared.images.drawing import drawn_whole
from distbench_builtin.shared.images.grouping import united
from distbench_builtin.shared.images.hub_rows import Rows
from distbench_builtin.shared.images.pool import Pool, lot

_AT_ONCE = 64

Items = dict[str, list[Item]]


def image_digests(rows: Rows, column: str, key: Mapping[str, Any]) -> list[str]:
    """Of the encoded images of a split; each is read once for good.

    Args:
        rows: The split.
        column: Of the images.
        key: What decides the images, JSON-able.
    """

    def find() -> dict[str, Any]:
        digests: list[str] = []
        for start in range(0, len(rows), _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, len(rows)))
            for position, data in zip(some, rows.images(column, some), strict=True):
                known = None if data is None else hashlib.sha256(data).hexdigest()[:32]
                digests.append(known or f"image {position} has no content")
        return {"digests": digests}

    return list(remembered("image-digests", key, find)["digests"])


def items_of(
    pools: Mapping[str, Pool],
    digests: Mapping[str, Sequence[Hashable]],
    groups: Mapping[str, Sequence[str | None]],
) -> Items:
    """The images of pools; what is not known of a part is taken for different or none."""
    return {
        part: [
            Item(name, label, digest, group)
            for name, label, digest, group in zip(
                pool.names,
                pool.labels,
                digests.get(part) or [(part, i) for i in range(len(pool))],
                groups.get(part) or [None] * len(pool),
                strict=True,
            )
        ]
        for part, pool in pools.items()
    }


def numbers_of(items: Items) -> list[int]:
    """A number for each image, part after part; the same for those that belong together."""
    flat = [item for own in items.values() for item in own]
    return united([item.digest for item in flat], [item.group for item in flat])


def divide(pools: dict[str, Pool], items: Items, share: float) -> None:
    """Takes a test part from the training images, as `divided` does; nothing is torn apart."""
    numbers, pool = numbers_of(items), pools["train"]
    start = sum(len(own) for own in list(items.values())[: list(items).index("train")])
    own = numbers[start : start + len(pool)]
    classes: dict[str, list[int]] = {}
    stay = {*numbers[:start], *numbers[start + len(pool) :]}
    for row, label in enumerate(pool.labels):
        if label is None:
            stay.add(own[row])
        else:
            classes.setdefault(label, []).append(row)
    lots = [lot(label or "", name) for label, name in zip(pool.labels, pool.names, strict=True)]
    taken = drawn_whole(list(classes.values()), lots, share, own, stay)
    sides = {"train": [i for i in range(len(pool)) if i not in taken], "test": sorted(taken)}
    whole = items["train"]
    for part, rows in sides.items():
        pools[part], items[part] = pool.take(rows), [whole[i] for i in rows]
