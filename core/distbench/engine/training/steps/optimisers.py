"""The optimiser of a phase: which one, and the rate and penalty of each weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from distbench.interfaces.classifier import Classifier
from distbench.interfaces.training.optimiser import Optimiser, adamw, sgd
from distbench.interfaces.training.phase import Phase

_RATE = 0.01
"""What AdamW's rate is of SGD's where it stands in for SGD. Ours: SGD's usual 0.01 to 0.1 become
the 1e-4 to 1e-3 that transformers are usually trained with."""


_USED = ("param_groups", "step", "zero_grad", "state_dict", "load_state_dict")
"""What the loop asks of an optimiser."""


def optimiser_of(model: nn.Module, modules: nn.ModuleDict, phase: Phase) -> torch.optim.Optimizer:
    """The optimiser of a model and of extra modules, with peak rates.

    Where a phase names none: SGD with Nesterov momentum; AdamW with a hundredth of the rate and a
    hundred times the penalty (their product, by which weights decay, is the same) where the model
    is normalised by layers and not by batches.

    Raises:
        TypeError: A function that should make one makes something else.
    """
    if phase.optimiser is not None and not isinstance(phase.optimiser, Optimiser):
        own = phase.optimiser(model, modules)
        if missing := [name for name in _USED if not hasattr(own, name)]:
            raise TypeError(f"it gave {own!r}, which has no {missing[0]}, and is no optimiser")
        return own
    if phase.optimiser is None and normalised_by_layers(model):
        gentle = replace(phase, lr=phase.lr * _RATE, weight_decay=phase.weight_decay / _RATE)
        return _made(adamw(), model, modules, gentle)
    usual = sgd(momentum=phase.momentum, nesterov=phase.momentum > 0)
    return _made(phase.optimiser or usual, model, modules, phase)


def normalised_by_layers(model: nn.Module) -> bool:
    """Whether a model has layer norms and no batch norms, as transformers and ConvNeXt have."""
    kinds = {type(module).__name__ for module in model.modules()}
    by_batch = any("BatchNorm" in kind for kind in kinds)
    return not by_batch and any("LayerNorm" in kind or "RmsNorm" in kind for kind in kinds)


def _made(
    chosen: Optimiser, model: nn.Module, modules: nn.ModuleDict, phase: Phase
) -> torch.optim.Optimizer:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for weight in _weights(model, modules, phase, chosen.layer_decay):
        groups.setdefault((weight.lr, weight.decay), []).append(weight.parameter)
    tables = [
        {"params": params, "lr": lr, "weight_decay": decay}
        for (lr, decay), params in groups.items()
    ]
    cls: Any = chosen.cls
    optimiser: torch.optim.Optimizer = cls(tables, lr=phase.lr, **chosen.options)
    return optimiser


@dataclass(frozen=True)
class _Weight:
    parameter: nn.Parameter
    lr: float
    decay: float


def _weights(
    model: nn.Module, modules: nn.ModuleDict, phase: Phase, layer_decay: float
) -> Iterator[_Weight]:
    """Every weight that is trained, with its rate and penalty."""
    if isinstance(model, Classifier):
        rates = [(model.backbone, phase.lr), (model.head, phase.lr * phase.head_lr)]
    else:
        rates = [(model, phase.lr)]
    rates += [(part, phase.lr * phase.module_lr.get(name, 1.0)) for name, part in modules.items()]
    for part, rate in rates:
        depths = _depths(part) if part is rates[0][0] and layer_decay < 1 else {}
        last = max(depths.values(), default=0) + 1
        for name, weight in part.named_parameters():
            if weight.requires_grad:
                lr = rate * layer_decay ** (last - depths[name]) if depths else rate
                yield _Weight(weight, lr, phase.weight_decay if weight.ndim > 1 else 0.0)


def _depths(backbone: nn.Module) -> Mapping[str, int]:
    """Each weight's layer, counted from the input: as timm groups them, else child by child."""
    matcher: Any = getattr(backbone, "group_matcher", None)
    if matcher is not None:
        from timm.models import group_parameters

        depths: dict[str, int] = group_parameters(backbone, matcher(coarse=False), reverse=True)
        return depths
    order = {name: number for number, (name, _) in enumerate(backbone.named_children())}
    return {name: order.get(name.partition(".")[0], 0) for name, _ in backbone.named_parameters()}
