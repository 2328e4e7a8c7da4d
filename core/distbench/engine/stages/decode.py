"""Images of a task decoded in threads a little ahead, as squares of one size."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from PIL import Image

from distbench.engine.stages.reader import Pixels, Reader, reader
from distbench.errors import CorruptImageError
from distbench.interfaces.task import Task
from distbench.storage.system.machine import usable_cores

_CHUNK = 64
"""Images that a thread decodes before it hands them on: at store size, some megabytes."""

_AT_ONCE = 64 * 2**20
"""Bytes of images in their original size that a thread holds, as far as can be known."""

STRIP = 64
"""By how much an image is longer than wide that no photograph is."""

_SAMPLE = 64


class Decoded(NamedTuple):
    """Some images of a part, in order.

    Attributes:
        start: Which of the wanted ones is the first.
        stop: And behind the last.
        kept: Positions of the k that could be decoded.
        pixels: uint8 (k, s, s, 3).
        skipped: Names of the others.
    """

    start: int
    stop: int
    kept: list[int]
    pixels: Pixels
    skipped: list[str]


def decode_images(
    task: Task, part: str, positions: Sequence[int], size: int, *, skip_corrupt: bool = False
) -> Iterator[tuple[list[int], Pixels]]:
    """Images of a part in order, decoded in threads a little ahead, as squares of one size.

    The short side is resized to `size` (bilinear, antialiased when shrinking) and the centre is
    kept. Memory does not grow with the number of images.

    Args:
        task: The task.
        part: ``train``, ``validation`` or ``test``.
        positions: Of the images in the part.
        size: Side of the squares, pixels.
        skip_corrupt: Whether images that cannot be decoded are left out.

    Yields:
        Positions of k images and their pixels, uint8 (k, size, size, 3).

    Raises:
        CorruptImageError: An image cannot be decoded and `skip_corrupt` is off.
    """
    read = reader(task, size)
    _, block = sample(read, part, positions, skip_corrupt)
    for chunk in decoded(read, part, positions, size, block, skip_corrupt):
        yield chunk.kept, chunk.pixels


def sample(
    read: Reader, part: str, positions: Sequence[int], skip_corrupt: bool
) -> tuple[int, int]:
    """Longest short side among some images, and how many of their size a thread may hold.

    Storing images larger than they are would invent pixels.
    """
    count = len(positions)
    sample = np.unique(np.linspace(0, count - 1, num=min(_SAMPLE, count)).astype(int))
    side, largest = 1, 1
    chosen = [positions[i] for i in sample.tolist()]
    for _, image in _good(read, part, chosen, [] if skip_corrupt else None):
        side, largest = max(side, min(image.shape[:2])), max(largest, image.nbytes)
    return side, max(1, min(_CHUNK, _AT_ONCE // largest))


def read_good(
    task: Task, positions: Sequence[int], skip_corrupt: bool, size: int | None = None
) -> tuple[list[Pixels], list[int]]:
    """Train images one by one, and the positions of those that could be read.

    Args:
        task: The task.
        positions: Of the images.
        skip_corrupt: Whether those that cannot be decoded are left out.
        size: What `fit` larger ones to, each as soon as it is read; None to leave all as they are.

    Raises:
        CorruptImageError: One cannot be decoded and `skip_corrupt` is off.
    """
    read = reader(task, size)
    images: list[Pixels] = []
    kept: list[int] = []
    for position, image in _good(read, "train", positions, [] if skip_corrupt else None):
        images.append(image if size is None or min(image.shape[:2]) < size else fit(image, size))
        kept.append(position)
    return images, kept


def _good(
    read: Reader, part: str, positions: Sequence[int], skipped: list[str] | None
) -> Iterator[tuple[int, Pixels]]:
    """Images one by one; names of corrupt ones go to `skipped`, or one stops everything."""
    for position in positions:
        try:
            yield position, read(part, [position])[0]
        except CorruptImageError as error:
            if skipped is None:
                raise
            skipped.append(error.name)


def decoded(
    read: Reader, part: str, positions: Sequence[int], size: int, block: int, skip_corrupt: bool
) -> Iterator[Decoded]:
    """Images of a part in order, chunk by chunk, decoded by as many threads as there are cores.

    Args:
        read: Reads images.
        part: The part.
        positions: Of the images that are wanted.
        size: Side of the squares, pixels.
        block: How many a thread reads before it shrinks them, as `sample` gives it.
        skip_corrupt: Whether corrupt ones are left out; else one stops everything.

    Raises:
        CorruptImageError: One cannot be decoded and `skip_corrupt` is off.
    """

    def chunk(start: int) -> Decoded:
        stop = min(start + _CHUNK, len(positions))
        pixels = np.empty((stop - start, size, size, 3), dtype=np.uint8)
        kept: list[int] = []
        bad: list[str] = []
        for first in range(start, stop, block):
            some = positions[first : min(first + block, stop)]
            try:
                images = list(zip(some, read(part, some), strict=True))
            except CorruptImageError:
                if not skip_corrupt:
                    raise
                images = list(_good(read, part, some, bad))
            for position, image in images:
                pixels[len(kept)] = fit(image, size)
                kept.append(position)
        return Decoded(start, stop, kept, pixels[: len(kept)], bad)

    threads = usable_cores()
    pending: deque[Future[Decoded]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        starts = iter(range(0, len(positions), _CHUNK))
        try:
            pending.extend(pool.submit(chunk, s) for s in islice(starts, threads + 2))
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(chunk, s) for s in islice(starts, 1))
        finally:
            for left in pending:
                left.cancel()


def fit(image: Pixels, size: int) -> Pixels:
    """One RGB image as (size, size, 3): short side resized, centre kept.

    Of an image more than `STRIP` times as long as wide only the centre is resized: the same pixels
    up to rounding, without the memory that the rest would take.
    """
    height, width = image.shape[:2]
    if height == size and width == size:
        return image
    scale = size / min(height, width)
    new = (max(size, round(width * scale)), max(size, round(height * scale)))
    left, top = (new[0] - size) // 2, (new[1] - size) // 2
    right, bottom = left + size, top + size
    whole = Image.fromarray(image)
    if max(height, width) > STRIP * min(height, width):
        x, y = width / new[0], height / new[1]
        centre = (left * x, top * y, right * x, bottom * y)
        return np.asarray(whole.resize((size, size), Image.Resampling.BILINEAR, centre))
    resized = whole.resize(new, Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, right, bottom)))
