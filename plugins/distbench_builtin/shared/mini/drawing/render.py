"""Labels and images of the datasets."""

from __future__ import annotations

import hashlib

import numpy as np

from .bits import Bits, ByteArray, IntArray
from .catalogue import FAMILIES
from .classes import class_names, class_rows, spec_of
from .raster import SIZE

PARTS = ("train", "test")
_BLOCK = 64
_SAMPLE = 64
_ROOM = 24 << 20


def _check(part: str, count: int, start: int = 0) -> None:
    if part not in PARTS:
        raise ValueError(f"unknown part {part!r}; known parts: {', '.join(PARTS)}")
    if count < 0 or start < 0:
        raise ValueError(f"count and start must not be negative, got {count} and {start}")


def labels(dataset: str, part: str, count: int) -> IntArray:
    """Labels of the first images of a part, without drawing the images.

    The classes come in shuffled rounds of one image each, so any beginning of a part is balanced.

    Args:
        dataset: Name of the dataset, a key of ``DATASETS``.
        part: ``"train"`` or ``"test"``.
        count: How many labels.

    Returns:
        Integer labels of shape ``(count,)``.

    Raises:
        ValueError: The dataset or the part is unknown, or the count is negative.
    """
    classes = spec_of(dataset).n_classes
    _check(part, count)
    rounds = -(-count // classes)
    keys = Bits(rounds, "labels", dataset, part).words(classes)
    return np.argsort(keys, axis=1, kind="stable").astype(np.int64).reshape(-1)[:count]


def _block(dataset: str, part: str, block: int, targets: IntArray) -> ByteArray:
    """Draw one whole block; which of its images were asked for makes no difference."""
    spec = spec_of(dataset)
    classes = class_rows(dataset)
    group_of = np.array([position for position, _ in classes], dtype=np.int64)[targets]
    pictures = np.empty((targets.size, SIZE, SIZE, 3), dtype=np.uint8)
    for position, group in enumerate(spec.groups):
        chosen = np.flatnonzero(group_of == position)
        if not chosen.size:
            continue
        family = FAMILIES[group.family]
        rows = [classes[target][1] for target in targets[chosen].tolist()]
        attributes = {
            name: np.array([options.index(row[column]) for row in rows], dtype=np.int64)
            for column, (name, options) in enumerate(family.attributes.items())
        }
        bits = Bits(int(chosen.size), "images", dataset, part, block, position)
        pictures[chosen] = family.draw(attributes, bits, group.clutter)
    return pictures


def images(dataset: str, part: str, count: int, start: int = 0) -> ByteArray:
    """Draw images of a part; image ``i`` is the same whichever range it is asked for in.

    Args:
        dataset: Name of the dataset, a key of ``DATASETS``.
        part: ``"train"`` or ``"test"``.
        count: How many images.
        start: Index of the first one.

    Returns:
        RGB images of shape ``(count, 32, 32, 3)``.

    Raises:
        ValueError: The dataset or the part is unknown, or a number is negative.
    """
    spec_of(dataset)
    _check(part, count, start)
    # Once a large piece of memory has been freed, glibc keeps the pages of smaller ones for the
    # next stroke. Asking the system for them again and again would halve the speed.
    np.empty(_ROOM, dtype=np.uint8)
    first, last = start // _BLOCK, -(-(start + count) // _BLOCK)
    targets = labels(dataset, part, last * _BLOCK)
    pictures = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    for block in range(first, last if count else first):
        base = block * _BLOCK
        drawn = _block(dataset, part, block, targets[base : base + _BLOCK])
        low, high = max(start, base), min(start + count, base + _BLOCK)
        pictures[low - start : high - start] = drawn[low - base : high - base]
    return pictures


def fingerprint(dataset: str) -> str:
    """Hash of a small sample of a dataset: equal everywhere as long as the suite is the same.

    Args:
        dataset: Name of the dataset, a key of ``DATASETS``.

    Returns:
        SHA-256, in hex, of the class names and of the first train labels and images.

    Raises:
        ValueError: The suite has no dataset of that name.
    """
    state = hashlib.sha256("\n".join(class_names(dataset)).encode())
    state.update(labels(dataset, "train", _SAMPLE).astype("<i8").tobytes())
    state.update(images(dataset, "train", _SAMPLE).tobytes())
    return state.hexdigest()
