"""How training images are shown, drawn for whole batches on the device they lie on."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from distbench import View, to_floats, weak_view
from distbench_builtin.shared.zoo_building.settings import Settings

_STRETCH = 4 / 3
"""Widest crop, width by height; the narrowest is one by it."""


def training_view(settings: Settings, flip: bool) -> View:
    """A view for a stream: cropped, shifted or whole, and mirrored every other time.

    Args:
        settings: Kind of view and size of the result.
        flip: Whether images may be mirrored.
    """

    def view(stored: torch.Tensor, positions: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        if settings.augment == "crop":
            images = random_crops(stored, settings.image_size, settings.smallest_crop, draw)
        else:
            images = to_floats(stored, settings.image_size)
        shift = 1 / 8 if settings.augment == "shift" else 0
        return weak_view(images, draw, mirror=flip, shift=shift)

    return view


def random_crops(
    images: torch.Tensor, size: int, smallest: float, draw: torch.Generator
) -> torch.Tensor:
    """A rectangle of each image, resized (random resized crops, arXiv:1409.4842).

    Args:
        images: uint8 (b, s, s, 3).
        size: Side of the result.
        smallest: Least share of the image's area.
        draw: Where the random numbers come from, on the CPU, so that a device changes nothing.

    Returns:
        float32 (b, 3, size, size) in 0..1.
    """
    count = len(images)
    area = torch.empty(count).uniform_(smallest, 1.0, generator=draw)
    stretch = _STRETCH ** torch.empty(count).uniform_(-0.5, 0.5, generator=draw)
    width, height = (area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)
    at = torch.rand(2, count, generator=draw) * 2 - 1  # (2, b)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = width, height
    matrix[:, 0, 2], matrix[:, 1, 2] = at[0] * (1 - width), at[1] * (1 - height)
    grid = F.affine_grid(matrix, [count, 3, size, size], align_corners=False)  # (b, size, size, 2)
    floats = images.permute(0, 3, 1, 2).float().div_(255)  # (b, 3, s, s)
    return F.grid_sample(
        floats,
        grid.to(images.device),
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )
