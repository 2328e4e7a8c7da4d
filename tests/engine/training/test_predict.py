"""Outputs that are not finite are no predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distbench import TrainingSetting, predict_logits
from distbench.engine.training.predict import predict
from distbench.errors import DistbenchError

PICTURES = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
SETTING = TrainingSetting(PICTURES, 4, torch.device("cpu"))


class Odd(torch.nn.Module):
    """Gives one value for images that are not black, 0 for others."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        light = images.mean((1, 2, 3)) > 0
        return torch.stack([torch.zeros(len(images)), torch.where(light, self.value, 0.0)], 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_outputs_that_are_not_finite_are_refused(value: float) -> None:
    for judge in (predict, predict_logits):
        with pytest.raises(DistbenchError, match="its outputs are not finite on 4 of 5 images"):
            judge(Odd(value), PICTURES, SETTING)


def test_finite_ones_are_given() -> None:
    assert predict(Odd(1e38), PICTURES, SETTING).tolist() == [0, 1, 1, 1, 1]
    assert predict_logits(Odd(1.0), PICTURES[:0], SETTING).shape == (0, 0)
