"""The drawn datasets as tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from distbench import DataError, Part, Task, TaskIndex, UsageError
from distbench_builtin.shared.mini.drawing.catalogue import DATASETS
from distbench_builtin.shared.mini.drawing.classes import class_names
from distbench_builtin.shared.mini.drawing.render import fingerprint, images, labels

_PREFIX = "mini-"
_BLOCK = 64


class MiniTask(Task):
    """Pictures of 32x32 pixels that are drawn when they are read: no download, the same anywhere.

    Registered once for every dataset, as ``mini-DATASET``.
    """

    train: int = Field(1200, ge=1, description="training images, labelled or not")
    test: int = Field(1000, ge=1, description="test images")

    def index(self) -> TaskIndex:
        """Classes, labels and names; draws no more than the few images of the fingerprint.

        Raises:
            UsageError: The task was not made under its registered name.
        """
        dataset = self._dataset()
        identity = f"{_fingerprint(dataset)} {self.train} {self.test}"
        return TaskIndex(
            classes=class_names(dataset),
            parts={part: _part(dataset, part, getattr(self, part)) for part in ("train", "test")},
            fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
            seen_by=(f"{_PREFIX}{dataset}",),
            notes=("Images are drawn, classes are balanced.",),
        )

    def read(self, part: str, positions: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Images of a part, each (32, 32, 3).

        Raises:
            DataError: There is no such part or position.
            UsageError: The task was not made under its registered name.
        """
        dataset = self._dataset()
        counts = {"train": self.train, "test": self.test}
        if part not in counts:
            raise DataError(f"{self.name} has no part {part!r}, only train and test")
        for position in positions:
            if not 0 <= position < counts[part]:
                raise DataError(
                    f"{self.name} has {counts[part]} {part} images, but number {position} "
                    "(counted from 0) was asked for"
                )
        return [_block(dataset, part, p // _BLOCK)[p % _BLOCK].copy() for p in positions]

    def _dataset(self) -> str:
        dataset = self.name.removeprefix(_PREFIX)
        if dataset not in DATASETS:
            names = ", ".join(f"{_PREFIX}{name}" for name in DATASETS)
            raise UsageError(f"{self.name!r} is no task of suite mini; there are {names}")
        return dataset


def _part(dataset: str, part: str, count: int) -> Part:
    return Part(labels(dataset, part, count), [f"{part}-{i:05d}" for i in range(count)])


@cache
def _fingerprint(dataset: str) -> str:
    return fingerprint(dataset)


@lru_cache(maxsize=64)
def _block(dataset: str, part: str, block: int) -> NDArray[np.uint8]:
    """Images drawn together, which is much faster than one by one; all readers share them."""
    drawn = images(dataset, part, _BLOCK, block * _BLOCK)
    drawn.flags.writeable = False
    return drawn
