"""Stored images as batches of floats."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.interfaces.zoo import Interpolation, SourceInfo
from distbench.storage.npy import Images

Size = tuple[int, Interpolation, float]
"""Side in pixels, how images are resized to it, and the share of their own side that is shown."""

_AHEAD = 2
Stored = TypeVar("Stored", torch.Tensor, NDArray[np.uint8])


def shown_to(source: SourceInfo) -> Size:
    """How a source is shown stored images."""
    return source.input_size, source.interpolation, source.crop


def central(images: Stored, crop: float) -> Stored:
    """The central square of stored images (b, s, s, 3), as a share of their side."""
    side = images.shape[1]
    kept = kept_side(side, crop)
    start = (side - kept) // 2
    return images[:, start : start + kept, start : start + kept]


def kept_side(side: int, crop: float) -> int:
    """Pixels a side of what is kept of stored images."""
    return max(1, round(side * crop))


def to_batch(
    images: NDArray[np.uint8], size: int, device: torch.device, crop: float = 1.0
) -> torch.Tensor:
    """Stored images as float32 in 0..1, resized (bilinear, antialiased when shrinking).

    Args:
        images: uint8 (b, s, s, 3).
        size: Side of the result.
        device: Where the result lies.
        crop: Share of their side that is shown, about the centre.

    Returns:
        (b, 3, size, size), channels last in memory.
    """
    return to_floats(torch.from_numpy(np.array(images)).to(device), size, crop=crop)


def to_floats(
    stored: torch.Tensor, size: int, interpolation: Interpolation = "bilinear", crop: float = 1.0
) -> torch.Tensor:
    """As `to_batch`, of images that are on their device.

    Args:
        stored: uint8 (b, s, s, 3).
        size: Side of the result.
        interpolation: How they are resized.
        crop: Share of their side that is shown, about the centre.

    Returns:
        float32 (b, 3, size, size) in 0..1, channels last in memory.

    Example::

        >>> to_floats(torch.full((2, 64, 64, 3), 255, dtype=torch.uint8), 32).shape
        torch.Size([2, 3, 32, 32])
    """
    stored = central(stored, crop)
    floats = stored.permute(0, 3, 1, 2).float().div_(255)  # (b, 3, s, s)
    return resized(floats, size, interpolation).contiguous(memory_format=torch.channels_last)


def resized(
    images: torch.Tensor, size: int, interpolation: Interpolation = "bilinear"
) -> torch.Tensor:
    """Images (b, 3, s, s) in 0..1 at another size, as everything here is resized."""
    if images.shape[-1] == size:
        return images
    sized = torch.nn.functional.interpolate(
        images, (size, size), mode=interpolation, antialias=True
    )
    return sized.clamp_(0, 1)


def batches(
    images: Images, sizes: Sequence[Size], batch: int, device: torch.device, start: int
) -> Iterator[tuple[int, dict[Size, torch.Tensor]]]:
    """All images in order, as `to_batch` gives them in each of some sizes.

    A thread is one batch ahead: while a network computes, the next images are read and, where the
    network is on an accelerator, brought there and resized. On a CPU they are resized when they are
    asked for, by the threads that compute: a second set of threads would only be in their way.

    Args:
        images: uint8 (n, s, s, 3), perhaps memory-mapped.
        sizes: Sides of the results, how each is resized to, and how much is shown.
        batch: Images at a time.
        device: Where the results lie.
        start: Position of the first image.

    Yields:
        Position of the first image of a batch, and the batch by size.
    """
    stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def read(first: int) -> tuple[int, Any, Any]:
        stored = torch.from_numpy(np.array(images[first : first + batch]))
        if stream is None:
            return first, stored, None
        with torch.cuda.stream(stream):
            there = stored.pin_memory().to(device, non_blocking=True)
            ready = {size: to_floats(there, *size) for size in sizes}
            return first, ready, stream.record_event()

    def use(first: int, stored: Any, event: Any) -> tuple[int, dict[Size, torch.Tensor]]:
        if event is None:
            return first, {size: to_floats(stored.to(device), *size) for size in sizes}
        current = torch.cuda.current_stream(device)
        current.wait_event(event)
        for tensor in stored.values():
            tensor.record_stream(current)
        return first, stored

    starts = iter(range(start, len(images), batch))
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending: deque[Future[tuple[int, Any, Any]]] = deque(
            pool.submit(read, first) for first in islice(starts, _AHEAD)
        )
        try:
            while pending:
                batch_read = pending.popleft().result()
                pending.extend(pool.submit(read, first) for first in islice(starts, 1))
                yield use(*batch_read)
        finally:
            for left in pending:
                left.cancel()
