"""Which optimiser a phase trains with, where it is not the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Optimiser:
    """An optimiser of torch, with the rates and the penalty of its phase.

    `Phase.lr`, `head_lr`, `module_lr` and `weight_decay` hold as for SGD: the penalty is on
    matrices and kernels, biases and norms have none.

    Attributes:
        cls: Its class.
        options: What else it is made with.
        layer_decay: Rates of the backbone's layers fall by this factor from each layer to the one
            before it, as fine-tuning of transformers has it (Bao et al., "BEiT", ICLR 2022): below
            1 the first layers hardly move.
        name: For the row.
    """

    cls: type[torch.optim.Optimizer]
    options: Mapping[str, Any] = field(default_factory=dict)
    layer_decay: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        import torch

        if not (isinstance(self.cls, type) and issubclass(self.cls, torch.optim.Optimizer)):
            raise ValueError(f"{self.cls!r} is no class of torch.optim.Optimizer")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay is {self.layer_decay}; it is above 0 and at most 1")
        if not self.name:
            object.__setattr__(self, "name", self.cls.__name__.lower())


def sgd(*, momentum: float = 0.9, nesterov: bool = True, layer_decay: float = 1.0) -> Optimiser:
    """SGD: the default where the network is normalised by batches.

    Example::

        >>> plain = {"steps": 100, "streams": {}, "loss": lambda model, batch: model.loss}
        >>> phase = distbench.Phase(**plain, lr=0.1, optimiser=sgd(nesterov=False))
        >>> phase.optimiser.layer_decay
        1.0
    """
    import torch

    options = {"momentum": momentum, "nesterov": nesterov}
    return Optimiser(torch.optim.SGD, options, layer_decay)


def adamw(
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    layer_decay: float = 1.0,
) -> Optimiser:
    """AdamW (Loshchilov and Hutter, ICLR 2019); `Phase.weight_decay` is its decoupled penalty.

    Where a phase names no optimiser, a network that is normalised by layers (transformers,
    ConvNeXt) has it instead of SGD, with a hundredth of the rate and a hundred times the penalty.

    Example::

        >>> plain = {"steps": 100, "streams": {}, "loss": lambda model, batch: model.loss}
        >>> phase = distbench.Phase(**plain, lr=0.001, optimiser=adamw(layer_decay=0.75))
        >>> phase.optimiser.layer_decay
        0.75
    """
    import torch

    return Optimiser(torch.optim.AdamW, {"betas": betas, "eps": eps}, layer_decay)


OptimiserFactory = Callable[["torch.nn.Module", "torch.nn.ModuleDict"], "torch.optim.Optimizer"]
"""Makes the optimiser of the model and of the extra modules, with peak learning rates."""
