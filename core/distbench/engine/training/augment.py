"""Weak and strong augmentation of whole batches, each image with its own draw.

Weak is a random horizontal flip and a shift by up to an eighth of the side. Strong adds two random
operations (RandAugment, Cubuk et al., 2020, with the pool and ranges that FixMatch uses) and
Cutout (DeVries and Taylor, 2017) of half the side, as in Sohn et al., NeurIPS 2020. All random
numbers are drawn on the CPU from the given generator, so a device does not change them, and all of
a call go to the device in one copy: to a GPU the copies would take longer than what they are for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

Images = torch.Tensor
Draw = torch.Generator


def weak_view(
    images: Images, generator: Draw, *, mirror: bool = True, shift: float = 1 / 8
) -> Images:
    """Mirrors half of the images and shifts each by whole pixels (edges reflected).

    Args:
        images: float (b, 3, s, s) in 0..1.
        generator: Source of randomness, on the CPU.
        mirror: False where a mirrored image is another thing.
        shift: How far at most, as a share of the side: at least one pixel unless it is 0.

    Returns:
        float (b, 3, s, s).

    Example::

        >>> weak_view(torch.rand(4, 3, 32, 32), torch.Generator().manual_seed(0)).shape
        torch.Size([4, 3, 32, 32])
    """
    (drawn,) = _sent([_drawn_shift(images, generator, mirror, shift)], images.device)
    return _shifted(images, drawn, _reach(images, shift))


def _reach(images: Images, shift: float) -> int:
    """How many pixels a shift by a share of the side is."""
    return max(int(images.shape[-1] * shift), 1) if shift else 0


def _drawn_shift(images: Images, generator: Draw, mirror: bool, shift: float) -> torch.Tensor:
    """Whether each image is mirrored, and how far it is moved down and to the right: (3, b)."""
    count = len(images)
    flip = torch.rand(count, generator=generator) < (0.5 if mirror else 0)
    moved = torch.randint(0, 2 * _reach(images, shift) + 1, (2, count), generator=generator)
    return torch.cat([flip[None].long(), moved])


def _sent(drawn: list[torch.Tensor], device: torch.device) -> tuple[torch.Tensor, ...]:
    """Tensors (k, b) on a device, copied as one, in float32: it holds what counts pixels too."""
    together = torch.cat([part.float() for part in drawn]).to(device)
    return torch.split(together, [len(part) for part in drawn])


def _shifted(images: Images, drawn: torch.Tensor, reach: int) -> Images:
    """Images mirrored and moved as `_drawn_shift` says."""
    count, channels, size, _ = images.shape
    flip, moved = drawn[0] > 0, drawn[1:].long()
    along = torch.arange(size, device=images.device)  # (s,)
    backwards = torch.where(flip[:, None], size - 1 - along, along)  # (b, s)
    places = torch.stack([along.expand(count, -1), backwards])  # (2, b, s)
    places = places + moved[:, :, None] - reach
    # Reflected at both ends, without a padded copy: -1 is 1, and size is size - 2.
    last = size - 1
    rows, columns = last - (last - places.abs()).abs()  # (b, s) each
    number = torch.arange(count, device=images.device)[:, None]  # (b, 1)
    # One lookup of whole pixels: a third of the time of indexing by image, row and column.
    pixels = ((number * size + rows)[:, :, None] * size + columns[:, None, :]).flatten()  # (b s s,)
    flat = images.permute(0, 2, 3, 1).reshape(-1, channels)  # (b s s, 3)
    picked = flat.index_select(0, pixels).view(count, size, size, channels)
    return picked.permute(0, 3, 1, 2)  # (b, 3, s, s)


def strong_view(
    images: Images, generator: Draw, operations: int = 2, *, mirror: bool = True
) -> Images:
    """`weak_view`, then random operations, then Cutout.

    Args:
        images: float (b, 3, s, s) in 0..1.
        generator: Source of randomness, on the CPU.
        operations: How many operations each image goes through.
        mirror: As of `weak_view`.
    """
    shift, count, side = 1 / 8, len(images), images.shape[-1]
    moved = _drawn_shift(images, generator, mirror, shift)
    rounds = [_Round.drawn(count, generator) for _ in range(operations)]
    centre = torch.randint(0, side, (2, count), generator=generator)
    drawn = [moved, *(one.table for one in rounds), centre]
    moved, *tables, centre = _sent(drawn, images.device)
    images = _shifted(images, moved, _reach(images, shift)).contiguous()
    for one, table in zip(rounds, tables, strict=True):
        one.apply(images, table)
    return _cutout(images, centre)


@dataclass(frozen=True)
class _Round:
    """One random operation for each image of a batch.

    Attributes:
        counts: How many images go through each operation of the pool.
        table: (3, b) positions of the images, sorted by their operations, its level and its sign.
    """

    counts: list[int]
    table: torch.Tensor

    @classmethod
    def drawn(cls, count: int, generator: Draw) -> _Round:
        which = torch.randint(0, len(_POOL), (count,), generator=generator)
        level = torch.rand(count, generator=generator)
        sign = torch.randint(0, 2, (count,), generator=generator).float() * 2 - 1
        order = torch.argsort(which, stable=True)
        counts = torch.bincount(which, minlength=len(_POOL)).tolist()
        return cls(counts, torch.stack([order.float(), level[order], sign[order]]))

    def apply(self, images: Images, table: torch.Tensor) -> None:
        """Changes images in place.

        Args:
            images: float (b, 3, s, s).
            table: `table`, where the images are.
        """
        for operation, own in zip(_POOL, torch.split(table, self.counts, dim=1), strict=True):
            if own.shape[1]:
                at = own[0].long()
                amount, sense = own[1:].reshape(2, -1, 1, 1, 1)
                images[at] = operation(images[at], amount, sense).clamp(0, 1)


def _cutout(images: Images, centre: torch.Tensor) -> Images:
    """Greys a square of half the side around the centres (2, b): rows and columns."""
    size = images.shape[-1]
    along = torch.arange(size, device=images.device)
    away = along - centre[:, :, None]  # (2, b, s)
    inside = (-(size // 4) <= away) & (away < size // 4)  # (2, b, s)
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (b, 1, s, s)
    return torch.where(hole, 0.5, images)


def _affine(images: Images, matrix: torch.Tensor) -> Images:
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)  # (b, s, s, 2)
    moved = F.grid_sample(images - 0.5, grid, mode="bilinear", align_corners=False)
    return moved + 0.5


def _matrix(images: Images, entries: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
    matrix = torch.zeros(len(images), 2, 3, device=images.device)  # (b, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1
    for (row, column), value in entries.items():
        matrix[:, row, column] = value.flatten()
    return matrix


def _rotate(images: Images, level: Images, sign: Images) -> Images:
    angle = level * sign * math.radians(30)
    turn = {(0, 0): angle.cos(), (0, 1): -angle.sin(), (1, 0): angle.sin(), (1, 1): angle.cos()}
    return _affine(images, _matrix(images, turn))


def _moved(entry: tuple[int, int], reach: float) -> Callable[[Images, Images, Images], Images]:
    def move(images: Images, level: Images, sign: Images) -> Images:
        return _affine(images, _matrix(images, {entry: level * sign * reach}))

    return move


def grey(images: Images) -> Images:
    """Luminance (b, 1, s, s) of images (b, 3, s, s), by the weights of ITU-R BT.601."""
    weights = torch.empty(3, device=images.device)  # (3,), filled there
    weights[0], weights[1], weights[2] = 0.299, 0.587, 0.114
    weights = weights.view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)  # (b, 1, s, s)


def blended(other: Images, images: Images, share: Images) -> Images:
    """So much of the images, the rest of `other`; a share above 1 leads away from that."""
    return other + (images - other) * share


def _blend(other: Images, images: Images, level: Images) -> Images:
    """Between `other` and the image by a factor of 0.05 to 0.95."""
    return blended(other, images, 0.05 + 0.9 * level)


def _brightness(images: Images, level: Images, sign: Images) -> Images:
    return _blend(torch.zeros_like(images), images, level)


def _colour(images: Images, level: Images, sign: Images) -> Images:
    return _blend(grey(images), images, level)


def _contrast(images: Images, level: Images, sign: Images) -> Images:
    return _blend(grey(images).mean((1, 2, 3), keepdim=True), images, level)


def _sharpness(images: Images, level: Images, sign: Images) -> Images:
    kernel = torch.ones(3, 3, device=images.device)
    kernel[1, 1] = 5
    kernel = kernel / 13
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    smooth = F.conv2d(padded, kernel.expand(3, 1, 3, 3), groups=3)
    return _blend(smooth, images, level)


def _posterize(images: Images, level: Images, sign: Images) -> Images:
    steps = 2.0 ** (4 + torch.floor(level * 4.999))
    return torch.floor(images * 255 / 256 * steps) / steps


def _solarize(images: Images, level: Images, sign: Images) -> Images:
    return torch.where(images < level, images, 1 - images)


def _autocontrast(images: Images, level: Images, sign: Images) -> Images:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)  # (b, 3, 1, 1)
    spread = high - low
    return torch.where(spread > 0, (images - low) / spread.clamp_min(1e-6), images)


def _equalize(images: Images, level: Images, sign: Images) -> Images:
    count, channels, height, width = images.shape
    bins = (images.clamp(0, 1) * 255).long().view(count * channels, -1)  # (b 3, s s)
    histogram = torch.zeros(count * channels, 256, device=images.device)  # (b 3, 256)
    histogram.scatter_add_(1, bins, torch.ones_like(bins, dtype=histogram.dtype))
    below = histogram.cumsum(1) / bins.shape[1]  # (b 3, 256), share at or below
    return below.gather(1, bins).view(count, channels, height, width)


def _identity(images: Images, level: Images, sign: Images) -> Images:
    return images


_POOL: tuple[Callable[[Images, Images, Images], Images], ...] = (
    _autocontrast,
    _brightness,
    _colour,
    _contrast,
    _equalize,
    _identity,
    _posterize,
    _rotate,
    _sharpness,
    _moved((0, 1), 0.3),  # shear x
    _moved((1, 0), 0.3),  # shear y
    _solarize,
    _moved((0, 2), 0.6),  # translate x by up to 0.3 of the width
    _moved((1, 2), 0.6),  # translate y
)

VIEWS: dict[str, Callable[[Images, Draw, bool], Images]] = {
    "plain": lambda images, generator, mirror: images,
    "weak": lambda images, generator, mirror: weak_view(images, generator, mirror=mirror),
    "strong": lambda images, generator, mirror: strong_view(images, generator, mirror=mirror),
}
"""The views of an image that a stream can ask for, mirrored or not."""
