"""Images with names and classes, wherever they come from; what tasks are put together from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distbench import UNLABELLED, Part
from distbench_builtin.shared.images.contents import (
    Contents,
    dealt,
    file_contents,
    joined_contents,
)
from distbench_builtin.shared.images.label_sets import classes_in, label_matrix, rarest

Pixels = NDArray[np.uint8]
Reader = Callable[[Sequence[int], int | None], list[Pixels]]
"""Decodes the images at some positions; the short side to which they will be shrunk, if any."""


@dataclass(frozen=True)
class Pool:
    """Some images, in a fixed order.

    Attributes:
        names: By which each is called in messages.
        labels: Class of each as its origin spells it; None where it has none. Where an image may
            show several, all of them as `label_sets.joined` writes them.
        read: Decodes the images at some positions, each (h, w, 3); those that are much larger
            than the given side perhaps in a smaller size (see `decode_bytes`).
        contents: What is known of the bytes of the images, if anything is.
        several: Whether an image may show several classes.
    """

    names: Sequence[str]
    labels: Sequence[str | None]
    read: Reader
    contents: Contents | None = None
    several: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Sequence[int]) -> Pool:
        """Some of the images."""

        def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
            return self.read([rows[i] for i in positions], side)

        contents = self.contents and self.contents.take(rows)
        names, labels = [self.names[i] for i in rows], [self.labels[i] for i in rows]
        return Pool(names, labels, read, contents, self.several)

    def names_in(self, label: str | None) -> tuple[str, ...]:
        """The classes that a label stands for."""
        if label is None:
            return ()
        return classes_in(label) if self.several else (label,)

    def drawn_by(self) -> Sequence[str | None]:
        """By which class each is drawn: its own, or of several the rarest."""
        if not self.several:
            return self.labels
        sets = [None if label is None else classes_in(label) for label in self.labels]
        times = Counter(name for names in sets for name in names or ())
        return [None if names is None else rarest(names, times) for names in sets]

    def relabelled(self, labels: Sequence[str | None]) -> Pool:
        """The same images with other labels."""
        return replace(self, labels=labels)

    def part(self, classes: Sequence[str], groups: NDArray[np.int64] | None = None) -> Part:
        """Labels, names and groups, as an index holds them."""
        if self.several:
            return Part(label_matrix(self.labels, classes), tuple(self.names), groups)
        number = {name: i for i, name in enumerate(classes)}
        known = [UNLABELLED if label is None else number[label] for label in self.labels]
        return Part(np.array(known, dtype=np.int64), tuple(self.names), groups)


def of_one_class(pool: Pool) -> Pool:
    """The same images; of those that may show several classes only those of exactly one have it."""
    sets = [pool.names_in(label) for label in pool.labels]
    labels = [names[0] if len(names) == 1 else None for names in sets]
    return replace(pool, labels=labels, several=False)


def joined(pools: Sequence[Pool]) -> Pool:
    """The images of several, one after the other."""
    if len(pools) == 1:
        return pools[0]
    lengths = [len(pool) for pool in pools]

    def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
        return dealt(lengths, positions, lambda which, own: pools[which].read(own, side))

    return Pool(
        [name for pool in pools for name in pool.names],
        [label for pool in pools for label in pool.labels],
        read,
        joined_contents([pool.contents for pool in pools], lengths),
        pools[0].several,
    )


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

    return Pool(names, [label for _, label in files], read, file_contents(root, names))
