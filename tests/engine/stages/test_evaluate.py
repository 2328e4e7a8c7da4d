"""What a student says of test images: its classes, and the logarithms of their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from distbench.engine.stages.evaluate import evaluate
from distbench.storage.probabilities import probabilities
from distbench.workflows.judging import value_of

LOGITS = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, -3.0], [-60.0, 1.0, 60.0]], dtype=np.float32)


class Told(nn.Module):
    """Says what it was told, whatever it sees."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(LOGITS[: len(images)])


@pytest.fixture
def setting() -> Any:
    from distbench import TrainingSetting

    return TrainingSetting(
        images=np.zeros((1, 8, 8, 3), np.uint8),
        image_size=8,
        device=torch.device("cpu"),
    )


def test_one_class_an_image(setting: Any) -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    said = evaluate(Told(), images, np.array([0, 1, 2]), setting)
    assert said.predictions.tolist() == [0, 0, 2], "of equal ones the lower number"
    assert said.logs is not None and said.logs.dtype == np.float16
    softmax = torch.softmax(torch.from_numpy(LOGITS).double(), dim=1).numpy()
    assert probabilities(said.logs) == pytest.approx(softmax, rel=2e-3, abs=1e-50)
    assert said.logs[2, 0] == -120


def test_several_classes_an_image(setting: Any) -> None:
    from distbench.plugins.registry import registry

    images = np.zeros((3, 8, 8, 3), np.uint8)
    labels = np.array([[1, 0, 0], [1, 1, -1], [0, 1, 1]])
    said = evaluate(Told(), images, labels, setting)
    assert said.predictions.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 1]], "from 0.5 on"
    assert said.logs is not None
    own = torch.sigmoid(torch.from_numpy(LOGITS).double()).numpy()
    assert probabilities(said.logs, several=True) == pytest.approx(own, rel=3e-3, abs=1e-50)
    values = {}
    for name in ("auroc", "map", "f1"):
        measure = registry().make("measure", name)
        values[name] = value_of(measure, labels, said.predictions, said.logs).value
    # Class 0: 2, 0 shown, -60 not. Class 1: 0 and 1 shown, 0 not, so one tie. Class 2: 60 over -1.
    assert values["auroc"] == pytest.approx((1 + 0.75 + 1) / 3)
    assert values["map"] == pytest.approx((1 + (0.5 + 0.5 * 2 / 3) + 1) / 3)
    assert values["f1"] == pytest.approx((1 + 0.8 + 1) / 3)
