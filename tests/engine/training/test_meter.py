"""Images are counted in the layers that they pass, in copies of the model too."""

from __future__ import annotations

import io
from copy import deepcopy

import pytest
import torch
from torch import nn

from distbench.engine.training.meter import Meter
from distbench.errors import DistbenchError


def test_only_what_happens_in_a_step_counts() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    meter = Meter(model, 2)
    images = torch.ones(5, 3, 2, 2)
    model(images).sum().backward()
    assert (meter.forward, meter.backward) == (0, 0)
    with meter.counting():
        model(images).sum().backward()
        with torch.no_grad():
            model(images)
    assert (meter.forward, meter.backward) == (10, 5)
    meter.stop()
    with meter.counting():
        model(images)
    assert meter.forward == 10


class Windows(nn.Module):
    """Cuts an image into four, as attention within windows does."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.unflatten(2, (2, -1)).transpose(1, 2).flatten(0, 1)  # (2 b, 3, s / 2, s)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_layers_that_see_parts_of_images_and_frozen_ones(frozen: int) -> None:
    layers = [nn.Conv2d(3, 3, 1), Windows(), nn.Conv2d(3, 4, 1)]
    model = nn.Sequential(*layers)
    meter = Meter(model, 4)
    for layer in (layers[0], layers[2])[:frozen]:
        layer.requires_grad_(False)
    with meter.counting():
        output = model(torch.ones(5, 3, 4, 4))
        if frozen < 2:
            output.sum().backward()
    assert (meter.forward, meter.backward) == (5, 5 if frozen < 2 else 0)


def test_copies_count() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1))
    meter = Meter(model, 2)
    twin = deepcopy(model)
    with meter.counting():
        for one in (model, twin):
            one(torch.ones(3, 3, 2, 2)).sum().backward()
    assert (meter.forward, meter.backward) == (6, 6)


def test_copies_that_would_not_count_are_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1))
    meter = Meter(model, 2)
    with pytest.raises(DistbenchError, match=r"cannot be pickled.*: use copy\.deepcopy"):
        torch.save(model, io.BytesIO())
    meter.stop()
    torch.save(model, io.BytesIO())


def test_layers_that_no_longer_count_are_seen() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
    meter = Meter(model, 2)
    with meter.counting():
        model[1] = nn.Tanh()
        model[0].register_forward_hook(lambda *_: None).remove()
    off = pytest.raises(DistbenchError, match="or the hook that counts its images taken off")
    with off, meter.counting():
        model[0]._forward_hooks.clear()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet", "test_convnext", "test_nfnet"])
def test_an_image_is_one_image_to_every_architecture(name: str) -> None:
    import timm

    model = timm.create_model(name)
    meter = Meter(model, 160)
    with meter.counting():
        model.forward_features(torch.rand(3, 3, 160, 160)).sum().backward()
    assert (meter.forward, meter.backward) == (3, 3)
