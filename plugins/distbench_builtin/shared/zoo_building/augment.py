"""Random views of training images, drawn for whole batches on the device they lie on."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from distbench_builtin.shared.zoo_building.settings import Settings

_STRETCH = 4 / 3
"""Widest crop, width by height; the narrowest is one by it."""


def plain(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images as they are judged: the whole of them, resized.

    Args:
        images: uint8 (b, s, s, 3).
        size: Side of the result.

    Returns:
        float32 (b, 3, size, size) in 0..1.
    """
    floats = images.permute(0, 3, 1, 2).float().div_(255)
    if floats.shape[-1] != size:
        floats = F.interpolate(floats, (size, size), mode="bilinear", antialias=True).clamp_(0, 1)
    return floats


def augmented(
    images: torch.Tensor, settings: Settings, flip: bool, draw: torch.Generator
) -> torch.Tensor:
    """Images as they are trained on.

    Args:
        images: uint8 (b, s, s, 3).
        settings: Kind of crop and size of the result.
        flip: Whether half of them are mirrored.
        draw: Where the random numbers come from, on the CPU, so that a device changes nothing.

    Returns:
        float32 (b, 3, size, size) in 0..1.
    """
    count = len(images)
    mirror = torch.where(torch.rand(count, generator=draw) < 0.5, -1.0, 1.0)
    sign = mirror if flip else torch.ones(count)
    if settings.augment == "crop":
        area = torch.empty(count).uniform_(settings.smallest_crop, 1.0, generator=draw)
        stretch = _STRETCH ** torch.empty(count).uniform_(-0.5, 0.5, generator=draw)
        width, height = (area.sqrt() * stretch).clamp(max=1), (area.sqrt() / stretch).clamp(max=1)
        at = torch.rand(2, count, generator=draw) * 2 - 1
        left, top = at[0] * (1 - width), at[1] * (1 - height)
    elif settings.augment == "shift":
        width = height = torch.ones(count)
        left, top = (torch.rand(2, count, generator=draw) * 2 - 1) / 4
    else:
        whole = plain(images, settings.image_size)
        turned = (sign < 0).to(whole.device)[:, None, None, None]
        return torch.where(turned, whole.flip(3), whole)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = width * sign, height
    matrix[:, 0, 2], matrix[:, 1, 2] = left, top
    side = settings.image_size
    grid = F.affine_grid(matrix, [count, 3, side, side], align_corners=False).to(images.device)
    floats = images.permute(0, 3, 1, 2).float().div_(255)
    return F.grid_sample(
        floats, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
