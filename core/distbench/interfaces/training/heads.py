"""Heads other than a linear layer, from pooled features (b, d) to logits (b, c).

Needs torch alone: an exported student that has such a head brings this file along.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import linear, normalize

_ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class Head(nn.Module):
    """What the heads here have in common.

    Attributes:
        arguments: By name, what it was made from.
        offset: (c,), added to the logits; what `distbench.Inference` says as `adjust`.
    """

    offset: torch.Tensor

    def __init__(self, num_features: int, num_classes: int, **arguments: Any) -> None:
        super().__init__()
        self.arguments = {"num_features": num_features, "num_classes": num_classes, **arguments}
        self.register_buffer("offset", torch.zeros(num_classes))


class CosineHead(Head):
    """Cosines of the features and one direction for each class, times a scale.

    Gidaris and Komodakis, "Dynamic Few-Shot Visual Learning without Forgetting", CVPR 2018, whose
    scale of 10 is learned; Chen et al., "A Closer Look at Few-shot Classification", ICLR 2019.

    Args:
        num_features: Width d of the features.
        num_classes: Number of classes c.
        scale: Of the cosines; where training starts if it is learned.
        learned: Whether training changes the scale.
    """

    def __init__(
        self, num_features: int, num_classes: int, scale: float = 10.0, learned: bool = True
    ) -> None:
        super().__init__(num_features, num_classes, scale=scale, learned=learned)
        self.weight = nn.Parameter(_drawn(num_classes, num_features))
        value = torch.tensor(float(scale))
        self.scale: torch.Tensor
        if learned:
            self.scale = nn.Parameter(value)
        else:
            self.register_buffer("scale", value)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of features (b, d)."""
        cosines = linear(normalize(features, dim=1), normalize(self.weight, dim=1))
        return self.scale * cosines + self.offset


class PrototypeHead(Head):
    """Negative squared distances to one prototype for each class.

    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017. Their
    logits are -|x - m|^2 = 2 x m - |m|^2 - |x|^2. The last term is the same for every class and is
    left out: probabilities are the same, and what is left is a linear layer with weight 2 m and
    bias -|m|^2 (their section 2.4), as which it is exported. Of images that may show several
    classes, each with a probability of its own, it makes no sense.

    Args:
        num_features: Width d of the features.
        num_classes: Number of classes c.
        scale: Times the distances.
    """

    def __init__(self, num_features: int, num_classes: int, scale: float = 1.0) -> None:
        super().__init__(num_features, num_classes, scale=scale)
        self.prototypes = nn.Parameter(_drawn(num_classes, num_features))
        self.scale = float(scale)

    def as_linear(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight (c, d) and bias (c,) of the linear layer that gives the same logits."""
        squares = self.prototypes.square().sum(1)
        return 2 * self.scale * self.prototypes, self.offset - self.scale * squares

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of features (b, d)."""
        return linear(features, *self.as_linear())


class MLPHead(Head):
    """One hidden layer between features and logits.

    Args:
        num_features: Width d of the features.
        num_classes: Number of classes c.
        hidden: Width of the hidden layer.
        activation: ``relu``, ``gelu``, ``silu`` or ``tanh``.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 256,
        activation: Literal["relu", "gelu", "silu", "tanh"] = "relu",
    ) -> None:
        super().__init__(num_features, num_classes, hidden=hidden, activation=activation)
        if activation not in _ACTIVATIONS:
            known = ", ".join(_ACTIVATIONS)
            raise ValueError(f"no activation {activation!r}; there are {known}")
        self.hidden = nn.Linear(num_features, hidden)
        self.activation = _ACTIVATIONS[activation]()
        self.last = nn.Linear(hidden, num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (b, c) of features (b, d)."""
        logits: torch.Tensor = self.last(self.activation(self.hidden(features)))
        return logits + self.offset


def _drawn(num_classes: int, num_features: int) -> torch.Tensor:
    """Random rows (c, d), spread as those of `torch.nn.Linear`."""
    bound = 1 / math.sqrt(num_features)
    return torch.empty(num_classes, num_features).uniform_(-bound, bound)
