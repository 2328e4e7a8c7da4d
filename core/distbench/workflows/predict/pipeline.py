"""Images through a model: each thread decodes a batch and runs the model over it.

A model whose operations are split over threads waits for the slowest of them at each, and competes
for the cores with those that decode. Batches side by side never wait for one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.errors import reason_of
from distbench.storage.image_files import (
    HEIF_SUFFIXES,
    IMAGE_FORMATS,
    IMAGE_SUFFIXES,
    learn_heif,
)
from distbench.workflows.export.opened import Model
from distbench.workflows.predict.inputs import Item

BATCH = 32


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
    model: Model, items: Sequence[Item], workers: int, batch: int = BATCH
) -> Iterator[list[Answer]]:
    """Answers to the images in their order, a batch at a time.

    Args:
        model: The student; several threads use it at once.
        items: The images.
        workers: Threads. Each has one batch in memory.
        batch: Images that the model is given at once; fewer, if that keeps more threads busy. One
            of whole images is given them one by one: they may be large.
    """
    batch = 1 if model.whole else max(1, min(batch, -(-len(items) // workers)))
    starts = iter(range(0, len(items), batch))
    waiting: deque[Future[list[Answer]]] = deque()
    pool = ThreadPoolExecutor(workers)

    def refill() -> None:
        while len(waiting) <= workers and (start := next(starts, None)) is not None:
            waiting.append(pool.submit(_answered, model, items[start : start + batch]))

    try:
        refill()
        while waiting:
            answered = waiting.popleft().result()
            refill()
            yield answered
    finally:
        pool.shutdown(cancel_futures=True)


def _answered(model: Model, items: Sequence[Item]) -> list[Answer]:
    """Decodes images, and runs the model over those that could be read."""
    seen = [_seen(item, model) for item in items]
    readable = [image for image in seen if not isinstance(image, str)]
    logits = iter(model.logits(readable) if readable else ())
    return [
        Answer(item, None, image) if isinstance(image, str) else Answer(item, next(logits))
        for item, image in zip(items, seen, strict=True)
    ]


def _seen(item: Item, model: Model) -> NDArray[np.uint8] | str:
    """An image as the model takes it, or why there is none."""
    from PIL import Image, UnidentifiedImageError

    learn_heif()
    try:
        with Image.open(item.path, formats=IMAGE_FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                return f"too large: more than the {limit:,} pixels that PIL takes for safe"
            if image.mode == "F":
                return "its pixels are floats, whose range is unknown; convert them to 8 or 16 bits"
            return model.see(image)
    except UnidentifiedImageError:
        if item.path.suffix.lower() in HEIF_SUFFIXES - IMAGE_SUFFIXES:
            return "HEIC and HEIF images are read once pillow-heif is installed"
        return f"not an image in {', '.join(IMAGE_FORMATS)} format"
    except Exception as error:  # decoders meet broken data with exceptions of every kind
        return reason_of(error).rstrip(".")
