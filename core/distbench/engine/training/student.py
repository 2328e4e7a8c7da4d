"""A fresh student, ready to be trained, or to be judged with what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from distbench.engine.global_state import unchanged
from distbench.engine.training.memory_format import laid_out
from distbench.errors import ArgumentError, PluginError, WeightsError
from distbench.interfaces.calls import naming
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.student import Student

Module = TypeVar("Module", bound=nn.Module)


def build_student(
    student: Student, num_classes: int, *, pretrained: bool, seed: int, device: torch.device
) -> Classifier:
    """A fresh student on a device; what is random in it follows from the seed alone.

    Raises:
        PluginError: Its normalisation or the width of its features is not what a student gives, or
            it changes what all share.
    """
    with unchanged(student.name), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = student.backbone(pretrained=pretrained)
        try:
            with naming(student.name, "normalisation"):
                mean, std = student.normalisation()
                model = Classifier(backbone, num_classes, mean, std)
        except ArgumentError as error:
            raise PluginError(student.name, str(error)) from None
    return laid_out(model, device)


def with_weights(fresh: Classifier, weights: Mapping[str, Any]) -> Classifier:
    """A network built anew that takes over trained weights and nothing else, in evaluation mode.

    What a training did to modules, hooks and methods stays behind, as it does when weights are
    shipped.

    Args:
        fresh: Of the architecture that was trained; it is changed.
        weights: A whole state dict.

    Raises:
        WeightsError: Names or shapes are not those of the network.
    """
    return take_over(fresh, weights).eval()


def take_over(fresh: Module, weights: Mapping[str, Any]) -> Module:
    """A module itself, with the weights of another one of the same architecture.

    Raises:
        WeightsError: Names or shapes are not those of the module.
    """
    own = _shapes(fresh.state_dict())
    odd = sorted(dict(own.items() ^ _shapes(weights).items()))
    if odd:
        more = f", as are {len(odd) - 1} more" if len(odd) > 1 else ""
        raise WeightsError(
            f"its weights do not fit the network built anew ({odd[0]!r} is missing, new or of "
            f"another shape{more})"
        )
    fresh.load_state_dict(weights)
    return fresh


def _shapes(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(getattr(tensor, "shape", ())) for name, tensor in weights.items()}
