"""Sources that are run while a student is trained, on the very view that it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import nn

from distbench.engine.stages.embed import normalise
from distbench.engine.stages.source_checks import checked_outputs
from distbench.engine.training.batches import resized
from distbench.engine.training.memory_format import laid_out
from distbench.engine.training.teacher import last_linear
from distbench.errors import ArgumentError, Declined
from distbench.interfaces.layers import NetworkOutputs, module_of, tapped
from distbench.interfaces.zoo import Source

What = Literal["logits", "features", "all"]

Pass = Callable[[torch.Tensor], NetworkOutputs]
"""From images (b, 3, s, s) in 0..1 to what a source gives, without gradients."""


def source_pass(source: Source, layers: Sequence[str], device: torch.device) -> Pass:
    """A source as a function of images of any size.

    Args:
        source: The source.
        layers: Paths of its modules whose outputs are wanted too.
        device: Where it runs.

    Raises:
        Declined: Layers are wanted of a source that is no torch module.
        ArgumentError: It has no such layer.
    """
    forward = _by_module(source, layers, device) if layers else _opened(source, device)
    info = source.info

    @torch.no_grad()
    def run(images: torch.Tensor) -> NetworkOutputs:
        sized = resized(images, info.input_size, info.interpolation)
        return forward(normalise(sized, info.mean, info.std))

    return run


def chosen(outputs: NetworkOutputs, what: What) -> torch.Tensor | NetworkOutputs:
    """The part of what a source gives that was asked for."""
    if what == "all":
        return outputs
    return outputs.features if what == "features" else outputs.logits


def check_what(what: str, source: Source) -> None:
    """Refuses what no source gives, or this one does not.

    Raises:
        ArgumentError: There is no such thing.
        Declined: The source has no classes.
    """
    if what not in ("logits", "features", "all"):
        raise ArgumentError(f"a source gives logits, features or all, and no {what!r}")
    if what == "logits" and not source.info.num_classes:
        raise Declined(f"source {source.info.name!r} has no classes, so it gives no logits")


def _opened(source: Source, device: torch.device) -> Pass:
    opened = source.open(device)

    def forward(images: torch.Tensor) -> NetworkOutputs:
        features, logits = checked_outputs(source.info, opened, images)
        return NetworkOutputs(features.float().to(device), logits.float().to(device), {})

    return forward


def _by_module(source: Source, layers: Sequence[str], device: torch.device) -> Pass:
    info, network = source.info, network_of(source, device)
    for name in layers:
        module_of(network, name)
    head = last_linear(network, info) if info.num_classes else None

    def forward(images: torch.Tensor) -> NetworkOutputs:
        taken: list[torch.Tensor] = []
        hook = (
            head.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
            if head
            else None
        )
        try:
            with tapped(network, layers) as outputs:
                result = network(images).float()
        finally:
            if hook:
                hook.remove()
        features = taken[-1].flatten(1).float() if taken else result.flatten(1)
        logits = result if info.num_classes else result.new_zeros(len(images), 0)
        return NetworkOutputs(features, logits, {k: v.float() for k, v in outputs.items()})

    return forward


def network_of(source: Source, device: torch.device) -> nn.Module:
    """A source as a torch module in evaluation mode.

    Raises:
        Declined: It is none.
    """
    module = source.module()
    if module is None:
        raise Declined(
            f"source {source.info.name!r} has no layers that can be reached: it is no torch module"
        )
    return laid_out(module, device).eval()
