"""Students are trained in a memory format in which torch gives right gradients."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from distbench import Phase, Stream, TrainingSetting, train_phases
from distbench.engine.training.memory_format import (
    contiguous_where_needed,
    laid_out,
    memory_format,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
_STEP = """
import sys
import torch
from torch import nn
from distbench.engine.training.memory_format import laid_out

torch.set_num_threads(1)
torch.manual_seed(0)
side = int(sys.argv[1])


def gradients(model, images):
    images.requires_grad_()
    return torch.autograd.grad(model(images).square().sum(), [model[0].weight, images])


for _ in range(10):
    model = nn.Sequential(nn.Conv2d(3, 48, 1, 2, bias=False), nn.ReLU())
    images = torch.rand(4, 3, side, side)
    right = gradients(model, images.clone())
    laid_out(model, torch.device("cpu"))
    trained = gradients(model, images.contiguous(memory_format=torch.channels_last))
    for one, other in zip(trained, right):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))
print("alive")
"""


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(3, 8, 1, 2), torch.contiguous_format),
        (nn.Conv2d(15, 8, 1, (1, 2)), torch.contiguous_format),
        (nn.Conv2d(6, 6, (1, 3), 2, groups=6), torch.contiguous_format),
        (nn.Conv2d(16, 8, 1, 2), torch.channels_last),
        (nn.Conv2d(3, 8, 1), torch.channels_last),
        (nn.Conv2d(3, 8, 3, 2), torch.channels_last),
        (nn.Linear(3, 8), torch.channels_last),
    ],
)
def test_which_format(layer: nn.Module, expected: torch.memory_format) -> None:
    assert memory_format(nn.Sequential(nn.Sequential(layer)), CPU) is expected
    assert memory_format(layer, CUDA) is torch.channels_last


def test_what_fails_is_made_contiguous_with_its_input() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1, 2), nn.Conv2d(8, 4, 3))
    before = [weight.detach().clone() for weight in model.parameters()]
    model.to(memory_format=torch.channels_last)
    for _ in range(2):
        assert laid_out(model, CPU) is model
    # A kernel of 1 x 1 is contiguous either way; its strides are what torch looks at.
    assert model[0].weight.stride() == (3, 1, 1, 1)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert [len(layer._forward_pre_hooks) for layer in model] == [1, 1]
    seen: list[torch.Tensor] = []
    model[0].register_forward_hook(lambda layer, inputs, output: seen.extend([*inputs, output]))
    images = torch.rand(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    model(images)
    assert [tensor.is_contiguous() for tensor in seen] == [True, True]


def test_what_is_right_is_left_as_it_is() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, 2))
    contiguous_where_needed(model, CPU)
    assert model[0].weight.is_contiguous()
    laid_out(model, CPU)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[0]._forward_pre_hooks


def test_the_loop_looks_at_models_from_elsewhere() -> None:
    import numpy as np

    pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), dtype=np.uint8)
    setting = TrainingSetting(pictures, 8, CPU, "fp32", seed=0)
    model = nn.Sequential(nn.Conv2d(3, 2, 1, 2), nn.Flatten(), nn.Linear(32, 2))
    model.to(memory_format=torch.channels_last)

    def loss(net: nn.Module, batch: Any) -> torch.Tensor:
        return net(batch["x"].views["plain"]).square().mean()

    phase = Phase(steps=1, streams={"x": Stream(np.arange(8), 4, ("plain",))}, loss=loss, lr=0.01)
    train_phases(model, [phase], setting, seed=0)
    assert model[0].weight.stride() == (3, 1, 1, 1)
    assert model[0]._forward_pre_hooks


@pytest.mark.parametrize("side", [96, 224])
def test_a_stem_that_killed_its_process(side: int) -> None:
    """That of MobileOne and FastViT, which wrote past its buffers channels last."""
    done = subprocess.run(
        [sys.executable, "-c", _STEP, str(side)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
