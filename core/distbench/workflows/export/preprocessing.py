"""From an image to what a student is given, exactly as it was judged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from distbench.engine.training.batches import central, kept_side, resized


@dataclass(frozen=True)
class Preprocessing:
    """How images become a student's input.

    Attributes:
        stored: Pixels; the short side is resized to it (bilinear, antialiased when shrinking) and
            the central square is kept.
        size: Pixels; side of the student's input, to which the square is resized in turn.
        mean: Of the channels red, green, blue of images in 0..1.
        std: Of the same.
        bits: How many bits of 16-bit images hold something; the upper 8 of them are kept.
        crop: Share of the square's side that is shown, about its centre.
    """

    stored: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bits: int = 16
    crop: float = 1.0

    @property
    def kept(self) -> int:
        """Pixels a side of what is shown of the square."""
        return kept_side(self.stored, self.crop)

    @property
    def resizes(self) -> bool:
        """Whether the network is given anything but the square as it is stored."""
        return not self.stored == self.kept == self.size

    def as_dict(self) -> dict[str, Any]:
        """The steps in order, for ``preprocessing.json``."""
        return {**asdict(self), "kept": self.kept, "channels": "RGB", "steps": self.steps()}

    def steps(self) -> list[str]:
        """The steps in words."""
        resizing = (
            f"resize to {self.size} x {self.size} pixels "
            "(bilinear, antialiased when shrinking), clamp to 0..1"
        )
        of_these = "" if self.bits == 16 else f" of the lower {self.bits} (larger values as 255)"
        return [
            "decode as 8-bit RGB: upright as EXIF says, transparency on white, of 16 bits the "
            f"upper 8{of_these}, a JPEG at "
            f"1/2, 1/4 or 1/8 of its size if that leaves at least {2 * self.stored} pixels a side",
            f"resize the short side to {self.stored} pixels "
            "(bilinear, antialiased when shrinking; PIL)",
            f"keep the central {self.stored} x {self.stored} pixels",
            *(
                []
                if self.kept == self.stored
                else [f"of these the central {self.kept} x {self.kept}"]
            ),
            "divide by 255",
            *([] if self.kept == self.size else [resizing]),
            "subtract mean, divide by std",
        ]

    def matrix(self) -> torch.Tensor:
        """What follows as a matrix (size, stored): it is linear, in rows and in columns."""
        start = (self.stored - self.kept) // 2
        eye = torch.eye(self.stored)[start : start + self.kept].view(1, 1, self.kept, self.stored)
        if self.kept == self.size:
            return eye[0, 0]
        return nn.functional.interpolate(
            eye, (self.size, self.stored), mode="bilinear", antialias=True
        )[0, 0]


class FromPixels(nn.Module):
    """Stored pixels, uint8 (b, 3, s, s), to logits: the whole student as one graph.

    Args:
        network: From normalised images to logits.
        steps: How it is to be given images.
    """

    def __init__(self, network: nn.Module, steps: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.resizes = steps.resizes
        self.register_buffer("matrix", steps.matrix() if self.resizes else None)
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(steps.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(steps.std).view(1, 3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (b, c)."""
        images = pixels.float() / 255
        if self.resizes:
            matrix: Any = self.matrix
            images = (matrix @ images @ matrix.T).clamp(0, 1)
        logits: torch.Tensor = self.network((images - self.mean) / self.std)
        return logits


def normalised(pixels: torch.Tensor, steps: Preprocessing) -> torch.Tensor:
    """Stored pixels, uint8 (b, 3, s, s), as a student is given them in evaluation."""
    shown = central(pixels.permute(0, 2, 3, 1), steps.crop).permute(0, 3, 1, 2)
    images = resized(shown.float() / 255, steps.size)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (steps.mean, steps.std))
    return (images - mean) / std
