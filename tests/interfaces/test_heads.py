"""Heads against their definitions, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from distbench import CosineHead, MLPHead, PrototypeHead, class_means
from distbench.engine.training.heads import as_linear

FEATURES = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0], [-1.0, 2.0, 2.0]])


def test_cosines_by_hand() -> None:
    head = CosineHead(3, 2, scale=5.0)
    head.load_state_dict(
        {
            "weight": torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 4.0]]),
            "scale": torch.tensor(5.0),
            "offset": torch.tensor([0.0, 1.0]),
        }
    )
    # Cosines with (1, 0, 0): 3/5, 0, -1/3. With (0, 3/5, 4/5): 12/25, 4/5, 14/15.
    wanted = [[3.0, 1 + 2.4], [0.0, 1 + 4.0], [-5 / 3, 1 + 14 / 3]]
    assert np.allclose(head(FEATURES).detach(), wanted, atol=1e-6)
    assert np.allclose(head(7 * FEATURES).detach(), wanted, atol=1e-6), "lengths do not matter"


def test_the_scale_of_cosines_is_learned_or_not() -> None:
    learned, fixed = CosineHead(3, 2), CosineHead(3, 2, learned=False)
    assert {name for name, _ in learned.named_parameters()} == {"weight", "scale"}
    assert {name for name, _ in fixed.named_parameters()} == {"weight"}
    assert learned.state_dict().keys() == fixed.state_dict().keys()
    assert learned.scale.item() == fixed.scale.item() == 10


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_prototypes_are_distances_and_a_linear_layer(scale: float) -> None:
    torch.manual_seed(0)
    head = PrototypeHead(3, 4, scale)
    head.offset += torch.tensor([0.0, 1.0, 0.0, -1.0])
    logits = np.zeros((3, 4))
    for i, x in enumerate(FEATURES.tolist()):
        for c, m in enumerate(head.prototypes.tolist()):
            distance = sum((a - b) ** 2 for a, b in zip(x, m, strict=True))
            logits[i, c] = -scale * distance + float(head.offset[c])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(head(FEATURES).softmax(1).detach(), shares, atol=1e-6)
    same = as_linear(head)
    assert same is not None
    layer = FEATURES @ same["weight"].T + same["bias"]
    assert np.allclose(head(FEATURES).detach(), layer, atol=1e-5)


def test_a_hidden_layer_by_hand() -> None:
    head = MLPHead(2, 1, hidden=2, activation="gelu")
    head.load_state_dict(
        {
            "hidden.weight": torch.tensor([[1.0, 0.0], [0.0, -2.0]]),
            "hidden.bias": torch.tensor([0.5, 0.0]),
            "last.weight": torch.tensor([[3.0, 1.0]]),
            "last.bias": torch.tensor([0.25]),
            "offset": torch.tensor([-1.0]),
        }
    )

    def gelu(x: float) -> float:
        return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))

    found = head(torch.tensor([[1.0, 2.0]])).item()
    assert found == pytest.approx(3 * gelu(1.5) + gelu(-4.0) + 0.25 - 1, abs=1e-6)
    with pytest.raises(ValueError, match="no activation 'swish'; there are relu, gelu"):
        MLPHead(2, 1, activation="swish")  # type: ignore[arg-type]


def test_which_heads_a_linear_layer_stands_in_for() -> None:
    plain = torch.nn.Linear(3, 2)
    found = as_linear(plain)
    assert found is not None and torch.equal(found["weight"], plain.weight)
    named = torch.nn.Sequential()
    named.as_linear = torch.nn.Linear(3, 2)  # a layer of that name says nothing
    more = type("More", (torch.nn.Linear,), {"forward": lambda self, x: x})(3, 2)
    others = (CosineHead(3, 2), MLPHead(3, 2), named, more)
    assert [as_linear(head) for head in others] == [None] * 4
    bare = as_linear(torch.nn.Linear(3, 2, bias=False))
    assert bare is not None and bare["bias"].tolist() == [0, 0]


def test_means_of_classes() -> None:
    features = np.array([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]], dtype=np.float32)
    assert class_means(features, np.array([1, 1, 0]), 2).tolist() == [[5, 5], [2, 1]]
    with pytest.raises(ValueError, match="class 2 has no labelled image"):
        class_means(features, np.array([1, 1, 0]), 3)
