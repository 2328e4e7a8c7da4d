"""How a task's images are read: each as its contract says, or refused by the task's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import PluginError
from distbench.interfaces.calls import naming
from distbench.interfaces.task import Task

Pixels = NDArray[np.uint8]

Reader = Callable[[str, Sequence[int]], Sequence[Pixels]]
"""Reads images of a part by their positions, as `Task.read` does."""


def reader(task: Task, size: int | None = None) -> Reader:
    """How a task's images are read.

    Args:
        task: The task.
        size: Short side that who reads them will shrink them to; None for whole images.

    Returns:
        A function that raises CorruptImageError where an image cannot be decoded, and PluginError
        where the task gives anything but one image, uint8 (h, w, 3), for each position.
    """

    def read(part: str, positions: Sequence[int]) -> list[Pixels]:
        with naming(task.name, f"reading images of {part}"):
            given = (
                task.read(part, positions)
                if size is None
                else task.read_reduced(part, positions, size)
            )
            images = [*given]
        _check(task.name, part, positions, images)
        return images

    return read


def _check(name: str, part: str, positions: Sequence[int], images: Sequence[Any]) -> None:
    if len(images) != len(positions):
        raise PluginError(
            name,
            f"reading gives {len(images)} images of {part} for {len(positions)} positions; give "
            "one for each",
        )
    for position, image in zip(positions, images, strict=True):
        if not _is_picture(image):
            shape = getattr(image, "shape", None)
            shown = type(image).__name__ if shape is None else f"{image.dtype} {tuple(shape)}"
            raise PluginError(
                name,
                f"image {position} of {part} is read as {shown}; give uint8 of shape (h, w, 3), "
                "RGB in 0..255",
            )


def _is_picture(image: Any) -> bool:
    return (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.size > 0
    )
