"""Several views of each test image through one network, and the mean of what it says of them.

Needs torch alone: a student that is exported with its views brings this file along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import interpolate, logsigmoid

TestView = Callable[[torch.Tensor], torch.Tensor]
"""From images (b, 3, s, s) in 0..1 to other views of them, of the same shape."""


class SeveralViews(nn.Module):
    """The mean over views, in logits.

    A view by name flips or crops. A crop is 7/8 of the side, resized to the side (bilinear). Both
    do the same before and after images are normalised.

    Args:
        network: From images (b, 3, s, s) to logits (b, c); run once for each view.
        views: Names of `NAMED`, or functions.
        mean: Of the ``logits``, or of the probabilities that ``softmax`` or ``sigmoid`` makes of
            them. Of probabilities p the logits are log p, or log p - log(1 - p) for ``sigmoid``.
    """

    def __init__(
        self,
        network: nn.Module,
        views: Sequence[str | TestView],
        mean: Literal["logits", "softmax", "sigmoid"],
    ) -> None:
        super().__init__()
        self.network = network
        self.views = [NAMED[view] if isinstance(view, str) else view for view in views]
        self.mean = mean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of images (b, 3, s, s)."""
        logits = torch.stack([self.network(view(images)).float() for view in self.views])
        if self.mean == "logits":
            return logits.mean(0)
        if self.mean == "softmax":
            return _log_mean(logits.log_softmax(2))
        return _log_mean(logsigmoid(logits)) - _log_mean(logsigmoid(-logits))


def _log_mean(logs: torch.Tensor) -> torch.Tensor:
    """Logarithm of the mean over views of probabilities, from their logarithms (v, b, c)."""
    total: torch.Tensor = logs.logsumexp(0)
    return total - torch.log(torch.tensor(float(len(logs)), device=logs.device))


def _plain(images: torch.Tensor) -> torch.Tensor:
    return images


def _flip(images: torch.Tensor) -> torch.Tensor:
    return images.flip(3)


def _crop(images: torch.Tensor, top: float, left: float) -> torch.Tensor:
    """A crop; where it lies is 0 for top or left, 1 for bottom or right."""
    side = int(images.shape[-1])
    kept = side - side // 8
    y, x = round(top * (side - kept)), round(left * (side - kept))
    cut = images[:, :, y : y + kept, x : x + kept]
    return interpolate(cut, (side, side), mode="bilinear", align_corners=False)


NAMED: dict[str, TestView] = {
    "plain": _plain,
    "flip": _flip,
    "centre": partial(_crop, top=0.5, left=0.5),
    "top_left": partial(_crop, top=0, left=0),
    "top_right": partial(_crop, top=0, left=1),
    "bottom_left": partial(_crop, top=1, left=0),
    "bottom_right": partial(_crop, top=1, left=1),
}
"""The views that have a name."""
