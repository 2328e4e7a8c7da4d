"""How many images a source sees at once: what its layers give of them stays bounded.

Wherever a source is run without gradients, images come in batches of one size, and a batch goes
through it in shares. An image has the same outputs in a share as in its batch, to the last bit; for
pretrained networks of many kinds that was looked at.
"""

from __future__ import annotations

import torch

BATCH = 128
"""Images that are read and resized at a time."""

_AT_ONCE = 16 * 160**2
"""Pixels of a channel that a source sees at once on a CPU. What layers give for more does not fit
its caches, and comes from the system page by page: half of the time at 160 pixels."""

_ELSEWHERE = 128 * 512**2
"""The same on a GPU: 64 channels of half the side, as first layers give them, take 2 GB."""

_LEAST = 16
"""Images that it sees at once at least; of fewer, matrix products sum in another order."""


def shared_out(images: torch.Tensor, side: int) -> tuple[torch.Tensor, ...]:
    """A batch in shares of about one size, in order.

    Args:
        images: (b, 3, s, s).
        side: Of the square that the source sees, pixels.
    """
    return torch.split(images, shares(len(images), side, images.device.type))


def shares(count: int, side: int, device: str) -> list[int]:
    """How many images are seen at once, one time after the other.

    Args:
        count: Images of the batch.
        side: As `shared_out` takes it.
        device: Type of the device that computes.
    """
    share = max(_LEAST, (_AT_ONCE if device == "cpu" else _ELSEWHERE) // side**2)
    if count < 2 * share:
        return [count]
    times = count // share
    return [share] * (times - 1) + [count - share * (times - 1)]
