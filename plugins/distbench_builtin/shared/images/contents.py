"""Whether the encoded images of pools are equal, found out with as little reading as can be."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from distbench import DataError
from distbench_builtin.shared.caching.file_digests import digests_below

T = TypeVar("T")

Known = dict[str, list[Hashable]]


@dataclass(frozen=True)
class Contents:
    """What is known of the bytes of images; both take positions.

    Attributes:
        sizes: In bytes; 0 for all where they are not known without reading.
        digests: The same for images of equal bytes, and for no others.
    """

    sizes: Callable[[Sequence[int]], list[int]]
    digests: Callable[[Sequence[int]], list[str]]

    def take(self, rows: Sequence[int]) -> Contents:
        """Those of some images."""
        return Contents(
            lambda positions: self.sizes([rows[i] for i in positions]),
            lambda positions: self.digests([rows[i] for i in positions]),
        )


def file_contents(root: Path, names: Sequence[str]) -> Contents:
    """Of files below a folder; digests are remembered while the files are not touched."""

    def sizes(positions: Sequence[int]) -> list[int]:
        return [_file_size(root, names[i]) for i in positions]

    def digests(positions: Sequence[int]) -> list[str]:
        try:
            return digests_below(root, [names[i] for i in positions])
        except OSError as error:
            raise _unreadable(error) from None

    return Contents(sizes, digests)


def _file_size(root: Path, name: str) -> int:
    try:
        return os.stat(os.path.join(root, name)).st_size  # noqa: PTH116, PTH118 - a million times
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> DataError:
    return DataError(f"cannot read {error.filename}: {error.strerror}; mend or remove it")


def array_contents(pixels: NDArray[np.generic]) -> Contents:
    """Of images that are kept as one array, (n, ...)."""

    def digests(positions: Sequence[int]) -> list[str]:
        return [hashlib.sha256(pixels[i].tobytes()).hexdigest() for i in positions]

    return Contents(lambda positions: [0] * len(positions), digests)


def joined_contents(contents: Sequence[Contents | None], lengths: Sequence[int]) -> Contents | None:
    """Those of several pools, one after the other; None where something of one is not known."""
    known = [own for own in contents if own is not None]
    if len(known) < len(contents):
        return None
    return Contents(
        lambda positions: dealt(lengths, positions, lambda which, own: known[which].sizes(own)),
        lambda positions: dealt(lengths, positions, lambda which, own: known[which].digests(own)),
    )


def dealt(
    lengths: Sequence[int],
    positions: Sequence[int],
    ask: Callable[[int, list[int]], Sequence[T]],
) -> list[T]:
    """Asks each of several pools for its own images, and brings the answers into order.

    Args:
        lengths: Of the pools.
        positions: Counted through all pools.
        ask: From the number of a pool and positions in it to what is wanted of these.
    """
    starts = np.cumsum([0, *lengths])
    owner = np.searchsorted(starts, np.asarray(positions), side="right") - 1
    answers: dict[int, T] = {}
    for which in np.unique(owner).tolist():
        places = np.flatnonzero(owner == which).tolist()
        own = [positions[place] - int(starts[which]) for place in places]
        answers.update(zip(places, ask(which, own), strict=True))
    return [answers[place] for place in range(len(positions))]


def known_contents(contents: Mapping[str, Contents | None], counts: Mapping[str, int]) -> Known:
    """What tells equal images of several pools from others.

    Images whose size no other has are not read.

    Args:
        contents: By pool; None where nothing is known, and all images are taken for different.
        counts: Images of each pool.

    Returns:
        By pool, of each image something that is equal for equal bytes.
    """
    sizes = {name: own.sizes(range(counts[name])) for name, own in contents.items() if own}
    times = Counter(size for own in sizes.values() for size in own)
    known: Known = {}
    for name, own in contents.items():
        known[name] = [(name, i) for i in range(counts[name])]
        if own is not None:
            doubtful = [i for i, size in enumerate(sizes[name]) if times[size] > 1]
            for i, digest in zip(doubtful, own.digests(doubtful), strict=True):
                known[name][i] = digest
    return known
