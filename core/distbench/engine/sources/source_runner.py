"""Sources that are run while a student is trained, on the very view that it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch

from distbench.engine.sources.source_network import SourceNetwork
from distbench.engine.stages.embed import normalise
from distbench.engine.stages.shares import shared_out
from distbench.engine.stages.source_checks import checked_outputs
from distbench.engine.training.batches import resized
from distbench.errors import ArgumentError, Declined
from distbench.interfaces.layers import NetworkOutputs
from distbench.interfaces.zoo import Source

What = Literal["logits", "features", "all"]

Pass = Callable[[torch.Tensor], NetworkOutputs]
"""From images (b, 3, s, s) in 0..1 to what a source gives, without gradients."""


def source_pass(source: Source, layers: Sequence[str], device: torch.device) -> Pass:
    """A source as a function of images of any size, which go through it in shares.

    Args:
        source: The source.
        layers: Paths of its modules whose outputs are wanted too.
        device: Where it runs.

    Raises:
        Declined: Layers are wanted of a source that is no torch module.
        ArgumentError: It has no such layer.
    """
    if layers:
        network = SourceNetwork(source, device)
        network.check(layers)
        return _in_shares(partial(network, layers=layers), source.info.input_size)
    forward, info = _opened(source, device), source.info

    def run(images: torch.Tensor) -> NetworkOutputs:
        sized = resized(images, info.input_size, info.interpolation)
        return forward(normalise(sized, info.mean, info.std))

    return _in_shares(run, info.input_size)


def _in_shares(run: Pass, side: int) -> Pass:
    """The same, without gradients, on some images after the other."""

    @torch.no_grad()
    def whole(images: torch.Tensor) -> NetworkOutputs:
        parts = [run(some) for some in shared_out(images, side)]
        if len(parts) == 1:
            return parts[0]
        return NetworkOutputs(
            torch.cat([part.features for part in parts]),
            torch.cat([part.logits for part in parts]),
            {name: torch.cat([part.layers[name] for part in parts]) for name in parts[0].layers},
        )

    return whole


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
