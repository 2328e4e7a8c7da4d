"""What a shipped student costs on the machine at hand: its size, and how long one image takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from distbench.storage.system.machine import is_busy, processor, usable_cores
from distbench.workflows.export.opened import Model, open_model

_WARM_UP, _FEWEST, _MOST, _SECONDS = 2, 3, 50, 0.3
"""Passes before the clock starts, passes timed at least and at most, and for how long at most."""


@dataclass(frozen=True)
class Footprint:
    """What a shipped student costs.

    Attributes:
        size: Bytes of the file of its weights.
        milliseconds: Median of one image, a batch of its own, by CPU threads.
        image: Height and width of that image in pixels, as the file takes it.
        processor: On which.
        busy: Whether other work had the processor meanwhile, so that the times are too long.
    """

    size: int
    milliseconds: dict[int, float]
    image: tuple[int, int]
    processor: str
    busy: bool


def footprint(folder: Path, weights: str, image: NDArray[np.uint8]) -> Footprint:
    """Measures an export.

    Args:
        folder: Where it lies.
        weights: The name of the file of its weights.
        image: One that it takes, uint8 (h, w, 3).
    """
    busy = is_busy()
    threads = sorted({1, usable_cores()})
    return Footprint(
        size=(folder / weights).stat().st_size,
        milliseconds={
            count: 1000 * median(_times(open_model(folder, count), image)) for count in threads
        },
        image=(image.shape[0], image.shape[1]),
        processor=processor(),
        busy=busy,
    )


def _times(model: Model, image: NDArray[np.uint8]) -> Iterator[float]:
    """Seconds of single images."""
    begin = time.perf_counter()
    for number in range(-_WARM_UP, _MOST):
        start = time.perf_counter()
        model.logits([image])
        end = time.perf_counter()
        if number >= 0:
            yield end - start
        if number >= _FEWEST - 1 and end - begin > _SECONDS:
            return
