"""Views that a stream may ask for besides ``plain``, ``weak`` and ``strong``: crops, colours, blur.

A view of these is made of the stored image at its full size, so that a crop loses no pixels, and
mirrored only where the task's images may be. All random numbers are drawn on the CPU from the
stream's generator, so a device does not change them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from distbench.engine.training.augment import blended, grey, strong_view, weak_view
from distbench.engine.training.batches import to_floats


class ReadyView(ABC):
    """A view that knows how large and whether mirrored it is to be.

    Attributes:
        whole: Whether it is made of all that is stored of an image, and not of the part that a
            protocol's `crop` shows.
    """

    whole: ClassVar[bool] = False

    @abstractmethod
    def make(
        self, stored: torch.Tensor, size: int, mirror: bool, generator: torch.Generator
    ) -> torch.Tensor:
        """The view of stored images.

        Args:
            stored: uint8 (b, s, s, 3).
            size: Side of the student's input.
            mirror: Whether the task's images may be mirrored.
            generator: Source of randomness, on the CPU.

        Returns:
            float (b, 3, side, side) in 0..1; the side is `size` unless the view has its own.
        """


@dataclass(frozen=True)
class WeakView(ReadyView):
    """A random flip and a shift, as ``weak`` has them.

    Attributes:
        mirror: False for no flip.
        shift: How far at most, as a share of the side.
    """

    mirror: bool = True
    shift: float = 1 / 8

    def make(
        self, stored: torch.Tensor, size: int, mirror: bool, generator: torch.Generator
    ) -> torch.Tensor:
        """As `ReadyView.make`."""
        images = to_floats(stored, size)
        return weak_view(images, generator, mirror=mirror and self.mirror, shift=self.shift)


@dataclass(frozen=True)
class StrongView(ReadyView):
    """RandAugment and Cutout over a weak view, as ``strong`` has them.

    Attributes:
        operations: How many operations each image goes through.
        mirror: False for no flip.
    """

    operations: int = 2
    mirror: bool = True

    def make(
        self, stored: torch.Tensor, size: int, mirror: bool, generator: torch.Generator
    ) -> torch.Tensor:
        """As `ReadyView.make`."""
        images = to_floats(stored, size)
        return strong_view(images, generator, self.operations, mirror=mirror and self.mirror)


@dataclass(frozen=True)
class RandomResizedCrop(ReadyView):
    """A random part of the image at the size of the input, then colours and blur where asked for.

    The crop is that of Szegedy et al., "Going deeper with convolutions", CVPR 2015. With
    ``jitter=0.5, decoloured=0.2, blurred=0.5`` it is close to SimCLR's view (Chen et al., ICML
    2020). Several small ones, ``{f"part{i}": RandomResizedCrop((0.05, 0.3), size=16) ...}``, are
    the multi-crop of SwAV (Caron et al., NeurIPS 2020).

    Attributes:
        scale: Smallest and largest share of the image's area.
        ratio: Smallest and largest width over height.
        mirror: False for no flip.
        jitter: Strength of random brightness, contrast and saturation, each by a factor within
            ``1 - jitter .. 1 + jitter``; 0 for none.
        decoloured: Share of images that lose their colours.
        blurred: Share of images that are blurred, by a Gaussian of 0.1 to 2 pixels at a side of
            224, or as much of another side.
        size: Side of the view; None for the student's input.
    """

    whole: ClassVar[bool] = True

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    mirror: bool = True
    jitter: float = 0.0
    decoloured: float = 0.0
    blurred: float = 0.0
    size: int | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "ratio"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} is {(low, high)}; give 0 < smallest <= largest")
        if self.scale[1] > 1:
            raise ValueError(f"scale is {self.scale}; a part is at most the whole, 1")

    def make(
        self, stored: torch.Tensor, size: int, mirror: bool, generator: torch.Generator
    ) -> torch.Tensor:
        """As `ReadyView.make`."""
        side = self.size or size
        images = stored.permute(0, 3, 1, 2).float().div_(255)  # (b, 3, s, s)
        images = self._cropped(images, side, mirror and self.mirror, generator)
        if self.jitter:
            images = self._jittered(images, generator)
        if self.decoloured:
            chosen = _drawn(images, self.decoloured, generator)
            images = torch.where(chosen, grey(images).expand_as(images), images)
        if self.blurred:
            images = torch.where(
                _drawn(images, self.blurred, generator), _blurred(images, generator), images
            )
        return images.contiguous(memory_format=torch.channels_last)

    def _cropped(
        self, images: torch.Tensor, side: int, mirror: bool, generator: torch.Generator
    ) -> torch.Tensor:
        """One part of each image, (b, 3, side, side)."""
        count = len(images)
        draws = torch.rand(5, count, generator=generator)
        area = self.scale[0] + (self.scale[1] - self.scale[0]) * draws[0]  # (b,)
        low, high = (math.log(r) for r in self.ratio)
        root = torch.exp(0.5 * (low + (high - low) * draws[1]))
        # Sides as shares of the image's; a part that would not fit is cut to what does.
        width = (area.sqrt() * root).clamp(max=1)
        height = (area.sqrt() / root).clamp(max=1)
        left, top = draws[2] * (1 - width), draws[3] * (1 - height)
        sign = torch.where(draws[4] < (0.5 if mirror else 0.0), -1.0, 1.0)
        matrix = torch.zeros(count, 2, 3)  # (b, 2, 3), coordinates run from -1 to 1
        matrix[:, 0, 0], matrix[:, 1, 1] = sign * width, height
        matrix[:, 0, 2], matrix[:, 1, 2] = 2 * left + width - 1, 2 * top + height - 1
        return _sampled(images, matrix.to(images.device), side)

    def _jittered(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        factors = 1 + self.jitter * (
            2 * torch.rand(3, len(images), 1, 1, 1, generator=generator) - 1
        )
        bright, contrast, colour = factors.to(images.device)  # (b, 1, 1, 1) each
        images = (images * bright).clamp(0, 1)
        mean = grey(images).mean((1, 2, 3), keepdim=True)
        images = blended(mean, images, contrast).clamp(0, 1)
        return blended(grey(images), images, colour).clamp(0, 1)


def _drawn(images: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Which images are chosen, bool (b, 1, 1, 1)."""
    return (torch.rand(len(images), 1, 1, 1, generator=generator) < share).to(images.device)


def _sampled(images: torch.Tensor, matrix: torch.Tensor, side: int) -> torch.Tensor:
    """Parts of images, antialiased as far as all of them are shrunk."""
    count, channels, stored, _ = images.shape
    shrunk = float(matrix[:, 0, 0].abs().min()) * stored / side
    if shrunk >= 2:  # every part has so many more pixels than are wanted
        images = F.avg_pool2d(images, int(shrunk))
    grid = F.affine_grid(matrix, [count, channels, side, side], align_corners=False)
    return F.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _blurred(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images under a Gaussian each of its own width."""
    count, channels, side, _ = images.shape
    sigma = (0.1 + 1.9 * torch.rand(count, generator=generator)) * side / 224  # (b,)
    reach = max(math.ceil(2 * 2.0 * side / 224), 1)
    along = torch.arange(-reach, reach + 1, dtype=torch.float32)  # (k,)
    kernel = torch.exp(-0.5 * (along / sigma[:, None].clamp_min(1e-3)) ** 2)  # (b, k)
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(images.device)
    weight = kernel.repeat_interleave(channels, 0)[:, None]  # (b 3, 1, k)
    flat = images.reshape(1, count * channels, side, side)
    padded = F.pad(flat, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, weight[:, :, None, :], groups=count * channels)
    blurred = F.conv2d(across, weight[:, :, :, None], groups=count * channels)
    return blurred.view(count, channels, side, side)
