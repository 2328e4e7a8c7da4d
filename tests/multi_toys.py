"""A task whose images may show several classes, small enough for tests; used with --plugin."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from distbench import Part, Task, TaskIndex

SIDE = 16


@cache
def labels_of(name: str, count: int) -> np.ndarray:
    """(n, 3): in train five images of which nothing is known, and one of which a class is not."""
    rng = np.random.default_rng(count)
    labels = (rng.random((count, 3)) < (0.5, 0.3, 0.2)).astype(np.int64)
    if name == "train":
        labels[:5] = -1
    labels[-1, 0] = -1
    labels.flags.writeable = False
    return labels


class MultiToy(Task):
    """Squares whose colour channels are the classes that they show, in noise."""

    train: int = 60

    def index(self) -> TaskIndex:
        def part(name: str, count: int) -> Part:
            return Part(labels_of(name, count), [f"{name}-{i}" for i in range(count)])

        return TaskIndex(
            classes=tuple("abc"),
            parts={"train": part("train", self.train), "test": part("test", 30)},
            fingerprint=hashlib.sha256(self.label.encode()).hexdigest(),
        )

    def read(self, part: str, positions: Sequence[int]) -> list[np.ndarray]:
        shown = labels_of(part, self.train if part == "train" else 30)
        images = []
        for position in positions:
            rng = np.random.default_rng([position, part == "test"])
            image = rng.integers(0, 90, (SIDE, SIDE, 3))
            image[4:12, 4:12] += 120 * (shown[position] == 1)
            images.append(image.astype(np.uint8))
        return images
