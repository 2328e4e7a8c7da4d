"""The layers of a source or student by name, for methods that ask for some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from distbench.engine.sources.source_network import network_of
from distbench.errors import Declined, UnknownNameError, UsageError, interrupts, reason_of
from distbench.interfaces.layers import layer_shapes
from distbench.interfaces.zoo import SourceInfo
from distbench.interfaces.zoo_sources import sources_of
from distbench.planning.config import DEFAULT_SUITE
from distbench.plugins.registry import registry

Layers = Mapping[str, tuple[str, tuple[int, ...]]]
"""Path of a module to its class and the shape of what it gives of one image."""


@dataclass(frozen=True)
class DescribedSource:
    """What is known of a source.

    Attributes:
        info: Facts about it.
        layers: Its layers, in the order of a pass; empty where it has none.
        reason: Why it has none.
    """

    info: SourceInfo
    layers: Layers
    reason: str | None = None


def describe_source(name: str, zoo: str | None, plugins: tuple[Path, ...]) -> DescribedSource:
    """A source of a zoo with its layers; its weights are read.

    Args:
        name: Of the source.
        zoo: The zoo; that of the default suite if None.
        plugins: Plugin files.

    Raises:
        UnknownNameError: The zoo has no such source.
        WeightsError: Its weights are missing or do not fit.
    """
    sources = sources_of(registry(plugins).make("zoo", zoo or DEFAULT_SUITE))
    if name not in sources:
        raise UnknownNameError("source", name, sources, f"Sources are {', '.join(sources)}.")
    source = sources[name]
    try:
        network = network_of(source, torch.device("cpu"))
    except Declined as declined:
        return DescribedSource(source.info, {}, declined.reason)
    return DescribedSource(source.info, _shapes(network, source.info.input_size))


def student_layers(spec: str, image_size: int, plugins: tuple[Path, ...]) -> Layers:
    """The layers of a student's backbone.

    Args:
        spec: The student, e.g. ``timm:mobilenetv3_small_100``.
        image_size: Side of its input, pixels.
        plugins: Plugin files.

    Raises:
        UsageError: It cannot be run at that size.
    """
    student = registry(plugins).make("student", spec)
    try:
        return _shapes(student.backbone(pretrained=False).eval(), image_size)
    except Exception as error:
        if interrupts(error):
            raise
        raise UsageError(
            f"student {student.label} cannot be run at {image_size} pixels: {reason_of(error)}. "
            "Take another --image-size"
        ) from None


def _shapes(network: nn.Module, side: int) -> Layers:
    image = torch.zeros(1, 3, side, side)
    return layer_shapes(network, lambda: network(image))
