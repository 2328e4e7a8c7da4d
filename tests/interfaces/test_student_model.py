"""The student as a module: its normalisation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from distbench import ArgumentError
from distbench.interfaces.classifier import Classifier


def model(prepare: Any) -> Classifier:
    backbone: Any = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    backbone.num_features = 4
    prepare(backbone[1])
    return Classifier(backbone, 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


def test_folded_normalisation_is_left_as_it_is() -> None:
    def fold(norm: nn.BatchNorm2d) -> None:
        nn.init.normal_(norm.bias)
        norm.running_var.fill_(0.999)  # type: ignore[union-attr]

    student = model(fold)
    images = torch.rand(8, 3, 9, 9)
    evaluated = student.eval()(images)
    torch.testing.assert_close(student.train()(images), evaluated)
    assert student.training
    assert student.backbone[1].bias.requires_grad  # type: ignore[index]


def test_other_normalisation_is_trained() -> None:
    def learnt(norm: nn.BatchNorm2d) -> None:
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_var, 1, 0.1)  # type: ignore[arg-type]

    images = torch.rand(8, 3, 9, 9)
    for prepare in (learnt, lambda norm: None):
        student = model(prepare)
        before = student.backbone[1].running_mean.clone()  # type: ignore[index]
        student.train()(images)
        assert not torch.equal(student.backbone[1].running_mean, before)  # type: ignore[index]


@pytest.mark.parametrize(
    ("mean", "std"),
    [((127.5,) * 3, (0.5,) * 3), ((0.5,) * 3, (58.0,) * 3), ((0.5,) * 3, (0.0,) * 3)],
)
def test_a_normalisation_is_of_pixels_in_0_to_1(mean: object, std: object) -> None:
    backbone = torch.nn.Flatten()
    backbone.num_features = 12  # type: ignore[assignment]
    with pytest.raises(ArgumentError, match=r"both are of pixels in 0..1, so divide by 255"):
        Classifier(backbone, 2, mean, std)  # type: ignore[arg-type]
    Classifier(backbone, 2, (0.5, 0.5, 0.5), (1, 1, 1))
