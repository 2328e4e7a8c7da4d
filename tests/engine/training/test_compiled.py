"""A compiled backbone trains to nearly the same weights, is counted, and hears hooks."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

import distbench
from distbench.engine.training.compiled import check_compiler, compiled_backbone
from distbench.engine.training.meter import Meter
from distbench.errors import UsageError
from distbench.interfaces.classifier import Classifier


class Backbone(nn.Module):
    num_features = 4

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv(images).relu().mean((2, 3))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Traces forward and backward as the compiler does, and makes no kernels of them; how often."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    counted: Counter[str] = counters["stats"]
    counted.clear()
    return counted


def test_images_are_counted_and_hooks_are_heard(traced: Counter[str]) -> None:
    model = Classifier(Backbone(), 2, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    meter = Meter(model, 8)
    images = torch.rand(5, 3, 8, 8)
    written = model(images)
    with compiled_backbone(model, meter), meter.counting():
        output = model(images)
        output.sum().backward()
        with torch.no_grad():
            model(images)
        assert traced["unique_graphs"] >= 1
        outputs = model.outputs(images, layers=("conv",))
        assert outputs.layers["conv"].shape == (5, 4, 6, 6), "a hook that came later is heard"
    assert torch.equal(output, written)
    assert (meter.forward, meter.backward) == (15, 5)
    meter.stop()
    assert not model.backbone._forward_hooks


def test_a_run_is_nearly_the_same(toy_options: dict[str, Any], traced: Counter[str]) -> None:
    options = {**toy_options, "task": "toy_task", "distiller": "none", "baseline": "finetune"}
    (plain,) = distbench.run(**options).rows
    assert not traced["unique_graphs"]
    (compiled,) = distbench.run(**options, compile=True).rows
    assert traced["unique_graphs"] >= 1
    assert "compile" not in plain.protocol and compiled.protocol["compile"] is True
    assert compiled.key != plain.key
    assert (plain.reason, compiled.reason) == (None, None)
    for row in (plain, compiled):
        assert row.result is not None and row.cost is not None
    one, other = (row.result.curve[-1].loss for row in (plain, compiled))
    assert other == pytest.approx(one, rel=1e-3)
    assert compiled.cost.images_forward == plain.cost.images_forward
    assert compiled.cost.images_backward == plain.cost.images_backward


def test_no_compiler_is_said_before_anything(
    toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> object:
        raise RuntimeError("no C++ compiler was found")

    check_compiler.cache_clear()
    monkeypatch.setattr(torch, "compile", none)
    with pytest.raises(UsageError, match=r"--compile cannot be used on cpu here: .*no C\+\+"):
        distbench.run(**toy_options, compile=True)
