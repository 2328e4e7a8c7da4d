"""Parameter-efficient fine-tuning: ways to train few weights of a network and keep the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils import parametrize

Way = Literal["lora", "bias"]


class LowRank(nn.Module):
    """A weight W that stays, and a change of low rank that is learnt: W + up @ down.

    Hu et al., "LoRA", ICLR 2022, with alpha = rank, so that nothing scales the change. A kernel
    (o, i, k, k) counts as a matrix (o, i k k). The change is 0 before the first step.

    Args:
        weight: W, two axes or more.
        rank: Of the change; no more than the smaller side of the matrix.
    """

    def __init__(self, weight: torch.Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        rank = min(rank, rows, columns)
        self.down = nn.Parameter(weight.new_empty(rank, columns))
        self.up = nn.Parameter(weight.new_zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """W with its change, of the shape of W."""
        return weight + (self.up @ self.down).view_as(weight)  # (o, r) @ (r, i k k)


def low_rank(network: nn.Module, rank: int) -> None:
    """Freezes a network and learns a change of low rank of each linear layer and convolution.

    Convolutions with several groups, as depthwise ones, stay as they are: each of their kernels is
    a matrix of one row. Statistics of batches stay those of the source's own data.
    """
    import timm.layers

    layers: Any = timm.layers
    layers.freeze_batch_norm_2d(network)
    network.requires_grad_(False)
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1):
            change = LowRank(layer.weight, rank)
            parametrize.register_parametrization(layer, "weight", change)


def biases(network: nn.Module) -> None:
    """Freezes a network but for biases, and scales of normalisations: weights of one axis.

    Ben Zaken et al., "BitFit", ACL 2022, where few layers but normalisations have a bias.
    """
    for weight in network.parameters():
        weight.requires_grad_(weight.ndim <= 1)


def adapting(way: Way, rank: int) -> Callable[[nn.Module], None]:
    """A way of fine-tuning, as a `TeacherRecipe` takes it."""
    ways: Mapping[Way, Callable[[nn.Module], None]] = {
        "lora": partial(low_rank, rank=rank),
        "bias": biases,
    }
    return ways[way]
