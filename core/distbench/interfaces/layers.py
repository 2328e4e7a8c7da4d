"""Layers of a network by their module paths, as they come out of a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from distbench.errors import ArgumentError, did_you_mean


@dataclass(frozen=True)
class NetworkOutputs:
    """What one forward pass of a network gives.

    Attributes:
        features: Pooled features (b, d).
        logits: (b, c); (b, 0) of a source without classes.
        layers: Path of a module to its output: (b, k, h, w) of a convolution, (b, t, k) of a
            transformer's block.
    """

    features: torch.Tensor
    logits: torch.Tensor
    layers: Mapping[str, torch.Tensor]


@contextmanager
def tapped(
    network: nn.Module, names: Sequence[str], whose: str = "the network"
) -> Iterator[dict[str, torch.Tensor]]:
    """Collects the outputs of modules while a network runs; of one that runs twice the last.

    Args:
        network: The network.
        names: Paths of its modules, as `torch.nn.Module.named_modules` has them.
        whose: What an error calls the network.

    Yields:
        Filled by a forward pass, by path.

    Raises:
        ArgumentError: There is no such module, or what it gives is no tensor.
    """
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str, _: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, torch.Tensor):
            raise ArgumentError(
                f"layer {name!r} of {whose} gives a {type(output).__name__} and no tensor; name "
                "one within it"
            )
        outputs[name] = output

    hooks = [
        module_of(network, name, whose).register_forward_hook(partial(keep, name)) for name in names
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def module_of(network: nn.Module, name: str, whose: str = "the network") -> nn.Module:
    """The module of a path.

    Raises:
        ArgumentError: There is none; with what is near, and the outermost ones.
    """
    modules: dict[str, nn.Module] = dict(network.named_modules())
    if not name or name not in modules:
        outer = ", ".join(key for key, _ in network.named_children())
        near = did_you_mean(name, modules.keys() - {""})
        raise ArgumentError(f"{whose} has no layer {name!r}.{near} The outermost are {outer}")
    return modules[name]


def shape_of(
    network: nn.Module, name: str, forward: Callable[[], object], whose: str = "the network"
) -> tuple[int, ...]:
    """Shape of one layer without the first axis.

    Args:
        network: The network.
        name: Path of its module.
        forward: Runs the network on one image.
        whose: What an error calls the network.

    Raises:
        ArgumentError: There is no such module, or what it gives is no tensor.
    """
    with torch.no_grad(), tapped(network, (name,), whose) as outputs:
        forward()
    if name not in outputs:
        raise ArgumentError(f"layer {name!r} of {whose} is not run")
    return tuple(outputs[name].shape[1:])


def layer_shapes(
    network: nn.Module, forward: Callable[[], object]
) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """Every layer that gives a tensor of more than pooled features, in the order of the pass.

    Args:
        network: The network.
        forward: Runs it on one image.

    Returns:
        Path to the class of the module, and the shape of its output without the first axis.
    """
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}

    def keep(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim > 2:
            shapes[name] = (type(module).__name__, tuple(output.shape[1:]))

    hooks = [
        module.register_forward_hook(partial(keep, name))
        for name, module in network.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            forward()
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
