"""Images through a model: decoded in threads while the model runs, a few batches in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from distbench.errors import reason_of
from distbench.storage.system.machine import usable_cores
from distbench.workflows.predict.inputs import Item
from distbench.workflows.predict.model import Model

BATCH = 32
_AHEAD = 2
"""Batches that are being decoded while one is in the model."""
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""What is tried, whatever a file is called; none of them starts another program."""


@dataclass(frozen=True)
class Answer:
    """What a model says of an image.

    Attributes:
        item: The image.
        logits: (c,); None where the image cannot be read.
        wrong: Why it cannot.
    """

    item: Item
    logits: NDArray[np.floating] | None
    wrong: str = ""


def answers(
    model: Model, items: Sequence[Item], batch: int = BATCH, workers: int | None = None
) -> Iterator[list[Answer]]:
    """Answers to the images in their order, a batch at a time.

    Args:
        model: The student.
        items: The images.
        batch: Images that it is given at once.
        workers: Threads that decode; as many as there are cores, if None.
    """
    rest = iter(items)
    waiting: deque[tuple[Item, Future[NDArray[np.uint8] | str]]] = deque()
    pool = ThreadPoolExecutor(workers or usable_cores())

    def refill() -> None:
        for item in islice(rest, _AHEAD * batch - len(waiting)):
            waiting.append((item, pool.submit(_square, item, model)))

    try:
        refill()
        while waiting:
            part = [waiting.popleft() for _ in range(min(batch, len(waiting)))]
            squares = [(item, future.result()) for item, future in part]
            refill()
            yield _answered(model, squares)
    finally:
        pool.shutdown(cancel_futures=True)


def _answered(
    model: Model, squares: Sequence[tuple[Item, NDArray[np.uint8] | str]]
) -> list[Answer]:
    """Runs the model over the images that could be read."""
    readable = [square for _, square in squares if not isinstance(square, str)]
    logits = iter(model.logits(np.stack(readable)) if readable else ())
    return [
        Answer(item, None, square) if isinstance(square, str) else Answer(item, next(logits))
        for item, square in squares
    ]


def _square(item: Item, model: Model) -> NDArray[np.uint8] | str:
    """The square of an image that the model takes, (s, s, 3), or why there is none."""
    from PIL import Image, UnidentifiedImageError

    from distbench.workflows.export.fit import fit

    try:
        with Image.open(item.path, formats=_FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                return f"too large: more than the {limit:,} pixels that PIL takes for safe"
            if image.mode == "F":
                return "its pixels are floats, whose range is unknown; convert them to 8 or 16 bits"
            return fit(image, model.stored, model.bits)
    except UnidentifiedImageError:
        return f"not an image in {', '.join(_FORMATS)} format"
    except Exception as error:  # decoders meet broken data with exceptions of every kind
        return reason_of(error).rstrip(".")
