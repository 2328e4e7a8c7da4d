"""Stored images as batches of floats."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def to_batch(images: NDArray[np.uint8], size: int, device: torch.device) -> torch.Tensor:
    """Stored images as float32 in 0..1, resized (bilinear, antialiased when shrinking).

    Args:
        images: uint8 (b, s, s, 3).
        size: Side of the result.
        device: Where the result lies.

    Returns:
        (b, 3, size, size), channels last in memory.
    """
    batch = torch.from_numpy(np.array(images)).to(device)
    floats = batch.permute(0, 3, 1, 2).float().div_(255)
    if floats.shape[-1] != size:
        floats = torch.nn.functional.interpolate(
            floats, (size, size), mode="bilinear", antialias=True
        ).clamp_(0, 1)
    return floats.contiguous(memory_format=torch.channels_last)
