"""The moving average of a model's weights, which may be judged, and teach."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from distbench.interfaces.training.phase import Phase


def moving_average(model: nn.Module, phase: Phase) -> torch.optim.swa_utils.AveragedModel:
    """A moving average, buffers too, whose decay fits the steps: 0.999 over 200 keeps the start."""
    decay = max(min(0.999, 1 - 10 / phase.steps), 0.0)
    decay = decay if phase.ema_decay is None else phase.ema_decay
    blend = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=blend, use_buffers=True)


class AverageTeacher:
    """A moving average as a loss may use it: as a `Classifier` that is never trained.

    Args:
        average: The average; put into evaluation mode for good.
    """

    def __init__(self, average: torch.optim.swa_utils.AveragedModel) -> None:
        self._model: Any = average.module.eval()

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of images (b, 3, s, s) in 0..1."""
        logits: torch.Tensor = self._model(images)
        return logits

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Pooled features (b, d) of images."""
        features: torch.Tensor = self._model.features(images)
        return features

    @torch.no_grad()
    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of pooled features."""
        logits: torch.Tensor = self._model.classify(features)
        return logits
