"""Weights that change where nothing is counted are seen, however they are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from distbench.engine.training.steps.weight_guard import WeightGuard
from distbench.errors import DistbenchError

Write = Callable[[nn.Conv2d], object]


def last_bit(net: nn.Conv2d) -> None:
    bits = net.weight.data.view(torch.int32)
    bits.view(-1)[0] += 1


def exchanged(net: nn.Conv2d) -> None:
    net.bias = nn.Parameter(net.bias.detach().clone())


@pytest.mark.parametrize(
    "write",
    [
        lambda net: nn.init.normal_(net.weight),
        lambda net: net.load_state_dict(net.state_dict()),
        lambda net: net.weight.data.add_(1),
        lambda net: setattr(net.weight, "data", torch.zeros_like(net.weight)),
        lambda net: setattr(net, "bias", None),
        last_bit,
        exchanged,
    ],
)
def test_what_is_seen(write: Write) -> None:
    net = nn.Conv2d(3, 2, 1)
    guard = WeightGuard("one", net)
    guard.look()
    guard.settle()
    write(net)
    with pytest.raises(DistbenchError, match="phase 'one' changes weights of the model outside"):
        _looked(guard)
    guard.seal()


def _looked(guard: WeightGuard) -> None:
    guard.look()
    guard.settle()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_what_is_none_of_its_business(dtype: torch.dtype) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).to(dtype)
    torch.nn.init.constant_(net[0].bias, float("nan"))
    guard = WeightGuard("one", net)
    net.requires_grad_(False).train()
    net[1].running_mean.add_(1)
    net.zero_grad()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _looked(guard)
    torch.set_num_threads(threads)
    nn.init.zeros_(net[0].weight)
    guard.seal()
    _looked(guard)
