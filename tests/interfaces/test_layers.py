"""Layers by their paths: what comes out of a pass, and what is said where there is none."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from distbench import ArgumentError, Classifier
from distbench.interfaces.layers import layer_shapes, tapped


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


class Backbone(nn.Module):
    num_features = 4

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.blocks = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2, padding=1))
        self.pair = Pair()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pair(self.blocks(self.stem(x)))[0].mean((2, 3))


def student() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Backbone(), 3, (0.5,) * 3, (0.25,) * 3)  # type: ignore[arg-type]


def test_one_pass_gives_features_logits_and_layers_with_their_gradients() -> None:
    model, images = student(), torch.rand(2, 3, 8, 8)
    outputs = model.outputs(images, ("stem", "blocks.1"))
    assert torch.equal(outputs.features, model.features(images))
    assert torch.equal(outputs.logits, model(images))
    assert {k: tuple(v.shape) for k, v in outputs.layers.items()} == {
        "stem": (2, 4, 8, 8),
        "blocks.1": (2, 4, 4, 4),
    }
    assert torch.equal(outputs.layers["blocks.1"].mean((2, 3)), outputs.features)
    outputs.layers["stem"].sum().backward()
    assert model.backbone.stem.weight.grad is not None
    assert model.backbone.blocks[1].weight.grad is None
    assert not any(module._forward_hooks for module in model.modules()), "no hook is left"
    assert model.outputs(images).layers == {}


def test_of_a_module_that_runs_twice_the_last_output_counts() -> None:
    layer = nn.Linear(2, 2)
    network = nn.Sequential(layer, nn.ReLU(), layer)
    x = torch.rand(3, 2)
    with tapped(network, ("0",)) as outputs:
        result = network(x)
    assert torch.equal(outputs["0"], result)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blocks.2", "the student has no layer 'blocks.2'. Did you mean 'blocks.1' or 'blocks.0'"),
        ("", "the student has no layer ''. The outermost are stem, blocks, pair"),
        ("pair", "layer 'pair' of the student gives a tuple and no tensor; name one within it"),
    ],
)
def test_layers_that_cannot_be_had(name: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        student().outputs(torch.rand(1, 3, 8, 8), (name,))
    assert message in str(caught.value)


def test_all_layers_are_listed_with_what_they_give() -> None:
    backbone = Backbone()
    shapes = layer_shapes(backbone, lambda: backbone(torch.zeros(1, 3, 8, 8)))
    assert shapes == {
        "stem": ("Conv2d", (4, 8, 8)),
        "blocks.0": ("ReLU", (4, 8, 8)),
        "blocks.1": ("Conv2d", (4, 4, 4)),
        "blocks": ("Sequential", (4, 4, 4)),
    }
