"""Images with names and classes, wherever they come from; what tasks are put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench import UNLABELLED, Part
from distbench_builtin.shared.images.drawing import drawn

Pixels = NDArray[np.uint8]
Reader = Callable[[Sequence[int], int | None], list[Pixels]]
"""Decodes the images at some positions; the short side to which they will be shrunk, if any."""


@dataclass(frozen=True)
class Pool:
    """Some images, in a fixed order.

    Attributes:
        names: By which each is called in messages.
        labels: Class of each as its origin spells it; None where it has none.
        read: Decodes the images at some positions, each (h, w, 3); those that are much larger
            than the given side perhaps in a smaller size (see `decode_bytes`).
    """

    names: Sequence[str]
    labels: Sequence[str | None]
    read: Reader

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Sequence[int]) -> Pool:
        """Some of the images."""

        def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
            return self.read([rows[i] for i in positions], side)

        return Pool([self.names[i] for i in rows], [self.labels[i] for i in rows], read)

    def relabelled(self, labels: Sequence[str | None]) -> Pool:
        """The same images with other labels."""
        return Pool(self.names, labels, self.read)

    def part(self, classes: Sequence[str], groups: NDArray[np.int64] | None = None) -> Part:
        """Class numbers, names and groups, as an index holds them."""
        number = {name: i for i, name in enumerate(classes)}
        known = [UNLABELLED if label is None else number[label] for label in self.labels]
        return Part(np.array(known, dtype=np.int64), tuple(self.names), groups)


def joined(pools: Sequence[Pool]) -> Pool:
    """The images of several, one after the other."""
    if len(pools) == 1:
        return pools[0]
    starts = np.cumsum([0, *map(len, pools)])

    def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
        owner = np.searchsorted(starts, np.asarray(positions), side="right") - 1
        pixels: dict[int, Pixels] = {}
        for which in np.unique(owner):
            own = [p for p, o in zip(positions, owner, strict=True) if o == which]
            images = pools[which].read([p - int(starts[which]) for p in own], side)
            pixels.update(zip(own, images, strict=True))
        return [pixels[p] for p in positions]

    return Pool(
        [name for pool in pools for name in pool.names],
        [label for pool in pools for label in pool.labels],
        read,
    )


def divided(pool: Pool, share: float) -> tuple[Pool, Pool]:
    """Takes a share of each class away, for testing; hashes of class and name decide which.

    So the split is the same on every machine and in every run. What has no label stays. Of a name
    only the last part without its suffix counts, so that mirrors that keep the images' own names
    are divided alike.

    Returns:
        What stays and what is taken: of each class a rounded share, at least one image where
        there are two, and never all.
    """
    classes: dict[str, list[int]] = {}
    for row, label in enumerate(pool.labels):
        if label is not None:
            classes.setdefault(label, []).append(row)
    taken: set[int] = set()
    for label, rows in classes.items():
        lots = [lot(label, pool.names[row]) for row in rows]
        taken.update(rows[i] for i in drawn(lots, share))
    stays = [row for row in range(len(pool)) if row not in taken]
    return pool.take(stays), pool.take(sorted(taken))


def lot(label: str, name: str) -> str:
    """By what an image is drawn."""
    return f"{label}/{stem(name)}"


def stem(name: str) -> str:
    """Last part of a name, without its suffix."""
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def in_natural_order(names: set[str]) -> list[str]:
    """Class names sorted, numbers by their value."""
    if all(name.isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)


def of_files(root: Path, files: Sequence[tuple[str, str | None]]) -> Pool:
    """Image files below a folder.

    Args:
        root: The folder.
        files: Path from the root, with slashes, and class of each.
    """
    names = [name for name, _ in files]

    def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
        from distbench_builtin.shared.images.decode import decode

        return [decode(root / names[i], names[i], side) for i in positions]

    return Pool(names, [label for _, label in files], read)
