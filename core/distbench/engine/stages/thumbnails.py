"""The same picture twice, though the bytes differ: saved again, in another format or size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distbench.engine.stages.decode import fit
from distbench.storage.npy import Images
from distbench.storage.system.machine import usable_cores

_SIDE = 16
_FITTED = 4 * _SIDE
"""Side to which an image is fitted before it is shrunk, as stored images are."""
_COARSE = 4
_CHUNK = 256
_BLOCK = 2**14
_NEIGHBOURS = 16
"""Of each image, the nearest that are compared: among thousands of one blank page one is enough."""

CORRELATION = 0.997
"""Of the brightness of two thumbnails, from which they show one picture.

Measured on 29,000 photographs, X-rays, drawings and satellite images of 22 data sets: all 12 pairs
above it are one picture; different ones reach 0.996 (photographs of one product in one place). Of
pictures saved again as PNG or as JPEG of quality 75 or more it finds 99 %, of quality 50 96 %, of
those halved from 96 pixels 84 %; of pictures of 32 pixels those of quality 75 or more.
"""
_DIFFERENCE = 8.0
"""Root mean square of the difference of colours, of 255, up to which they do."""
_CONTRAST = 8.0
"""Standard deviation of the brightness below which a thumbnail shows too little to be known."""


def thumbnails(images: Images, positions: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
    """Square images (n, s, s, 3) at 16 pixels, each the mean of its area: (n, 16, 16, 3).

    Args:
        images: All of them.
        positions: Of those that are wanted, which no others are read for; None for all.
    """
    wanted = range(len(images)) if positions is None else positions
    small = np.empty((len(wanted), _SIDE, _SIDE, 3), dtype=np.uint8)
    _shrink(images, wanted, small)
    return small


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The square centre of an image (h, w, 3) at 16 pixels, (16, 16, 3), for `first_alike`.

    Example::

        >>> distbench.thumbnail(np.zeros((480, 640, 3), np.uint8)).shape
        (16, 16, 3)
    """
    return _shrunk(fit(image, _FITTED))


def first_alike(small: NDArray[np.uint8]) -> list[int]:
    """Which of the thumbnails (n, 16, 16, 3) show one picture, though their bytes differ.

    Of pictures that were saved again, in another format, quality or size. What shows next to
    nothing, as a blank page does, is like no other.

    Returns:
        For each the position of the first that shows it, its own where none before it does.

    Example::

        >>> one, other = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
        >>> distbench.first_alike(np.stack([one, other, one // 2 * 2]))
        [0, 1, 0]
    """
    first = list(range(len(small)))
    for own, other in same_pictures(small, small):
        first[own] = first[other]  # which comes before, so that chains end at their beginning
    return first


def write_thumbnails(images: Images, path: Path) -> None:
    """Writes those of all images into an ``.npy`` file, without holding them in memory."""
    shape = (len(images), _SIDE, _SIDE, 3)
    small = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    _shrink(images, range(len(images)), small)
    small.flush()


def _shrink(images: Images, wanted: Sequence[int] | NDArray[np.int64], small: Any) -> None:
    def shrink(start: int) -> None:
        for i in range(start, min(start + _CHUNK, len(wanted))):
            small[i] = _shrunk(np.asarray(images[wanted[i]]))

    with ThreadPoolExecutor(max_workers=usable_cores()) as pool:
        list(pool.map(shrink, range(0, len(wanted), _CHUNK)))


def _shrunk(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(square).resize((_SIDE, _SIDE), Image.Resampling.BOX))


def same_pictures(known: NDArray[np.uint8], new: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Which thumbnails show a picture that others show too.

    Args:
        known: (n, 16, 16, 3).
        new: (m, 16, 16, 3).

    Returns:
        Of each that does, its position in `new` and that of the first such one in `known`.
    """
    from scipy.spatial import cKDTree

    known_rows, coarse = _coarse_of(known)
    if not len(known_rows):
        return []
    # Thumbnails of unit norm and zero mean correlate by 1 - d**2 / 2, and the distance of their
    # coarse parts is never larger than their own, so no pair is lost.
    tree = cKDTree(coarse)
    radius = np.sqrt(2 * (1 - CORRELATION))
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(new), _CHUNK):
        rows, light = _light(new[start : start + _CHUNK])
        if not len(rows):
            continue
        _, near = tree.query(_coarse(light), k=_NEIGHBOURS, distance_upper_bound=radius)
        for row, own, some in zip(rows + start, light, near, strict=True):
            close = known_rows[np.sort(some[some < len(known_rows)])]
            alike = close[_light(known[close])[1] @ own >= CORRELATION]
            first = next(_of_one_colour(known, alike, new[row]), None)
            if first is not None:
                pairs.append((int(row), first))
    return pairs


def _coarse_of(known: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions of thumbnails that show something, and their coarse parts; some at a time."""
    rows = [np.empty(0, dtype=np.int64)]
    coarse = [np.empty((0, _COARSE**2), dtype=np.float32)]
    for start in range(0, len(known), _BLOCK):
        own, light = _light(known[start : start + _BLOCK])
        rows.append(start + own)
        coarse.append(_coarse(light))
    return np.concatenate(rows), np.concatenate(coarse)


def _light(thumbs: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions of thumbnails that show something; their brightness, zero mean and unit norm."""
    light = thumbs.mean(-1, dtype=np.float32).reshape(-1, _SIDE**2)  # (n, 256)
    rows = np.flatnonzero(light.std(1) >= _CONTRAST)
    light = light[rows] - light[rows].mean(1, keepdims=True)
    return rows, light / np.linalg.norm(light, axis=1, keepdims=True)


def _coarse(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over blocks, as an orthogonal projection: (n, 256) to (n, 16)."""
    block = _SIDE // _COARSE
    blocks = light.reshape(-1, _COARSE, block, _COARSE, block).sum((2, 4)) / block
    return np.asarray(blocks.reshape(-1, _COARSE**2), dtype=np.float32)


def _of_one_colour(
    known: NDArray[np.uint8], rows: NDArray[np.int64], one: NDArray[np.uint8]
) -> Iterator[int]:
    """Those rows whose colours are nearly those of an image."""
    for row in rows:
        difference = known[row].astype(np.float32) - one
        if np.sqrt(np.mean(difference**2)) <= _DIFFERENCE:
            yield int(row)
