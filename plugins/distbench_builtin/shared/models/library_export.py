"""Trained networks of timm and torchvision as those libraries load them: tensors and a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distbench import Mean, Std
from distbench_builtin.shared.models import timm_create, torchvision_create
from distbench_builtin.shared.models.timm_cards import card

Exported = tuple[dict[str, Any], dict[str, Any]]

_TIMM = """\
import timm
from safetensors.torch import load_file
model = timm.create_model({architecture!r}, num_classes={classes}{arguments})
model.load_state_dict(load_file(PATH))
model.eval()  # takes (b, 3, h, w) in 0..1, less mean, divided by std
"""
_TORCHVISION = """\
from safetensors.torch import load_file
from torchvision.models import get_model
model = get_model({architecture!r}, weights=None, num_classes={classes}{arguments})
model.load_state_dict(load_file(PATH))
model.eval()  # takes (b, 3, h, w) in 0..1, less mean, divided by std
"""


def timm_export(
    architecture: str,
    arguments: Mapping[str, Any],
    normalisation: tuple[Mean, Std],
    backbone: Mapping[str, Any],
    head: Mapping[str, Any],
    classes: Sequence[str],
) -> Exported | None:
    """As `distbench.Student.export`; None where timm's own classifier is no linear layer alone.

    Args:
        architecture: Name in timm's registry.
        arguments: For `timm.create_model`.
        normalisation: Of the input channels.
        backbone: State dict without the classifier.
        head: ``weight`` (c, d) and ``bias`` (c,).
        classes: Class names in the order of the outputs.
    """
    wanted = timm_create.shapes(architecture, len(classes), arguments)
    tensors = {name: backbone[name] for name in wanted if name in backbone}
    for layer in card(architecture)["classifier"]:
        for kind in ("weight", "bias"):
            name = f"{layer}.{kind}"
            if name in wanted and name not in backbone:
                # A copy each: some classifiers are 1 x 1 convolutions, some models have two.
                tensors[name] = head[kind].reshape(wanted[name]).clone()
    if set(tensors) != set(wanted) or len(tensors) < len(backbone):
        return None  # a head with layers of its own, which nobody trained
    return tensors, _recipe("timm", _TIMM, architecture, arguments, normalisation, classes)


def torchvision_export(
    architecture: str,
    arguments: Mapping[str, Any],
    normalisation: tuple[Mean, Std],
    backbone: Mapping[str, Any],
    head: Mapping[str, Any],
    classes: Sequence[str],
) -> Exported | None:
    """As `timm_export`, of a classifier of torchvision.

    Args:
        architecture: Name in torchvision's registry.
        arguments: For `torchvision.models.get_model`, its own options included.
        normalisation: Of the input channels.
        backbone: State dict without the classifier.
        head: ``weight`` (c, d) and ``bias`` (c,).
        classes: Class names in the order of the outputs.
    """
    from torch import nn

    plain = torchvision_create.create(architecture, len(classes), arguments=arguments)
    wanted = {name: tuple(tensor.shape) for name, tensor in plain.state_dict().items()}
    name, last = torchvision_create.head(plain)
    tensors = {key: backbone[key] for key in wanted if key in backbone}
    for kind in ("weight", "bias"):
        if f"{name}.{kind}" in wanted:
            shape = wanted[f"{name}.{kind}"]
            tensors[f"{name}.{kind}"] = head[kind].reshape(shape).clone()
    linear = isinstance(last, nn.Linear) and last.bias is not None
    if not linear or set(tensors) != set(wanted) or len(tensors) != len(backbone) + 2:
        return None  # a classifier that is more or less than the linear one that was trained
    recipe = _recipe("torchvision", _TORCHVISION, architecture, arguments, normalisation, classes)
    return tensors, recipe


def _recipe(
    library: str,
    how: str,
    architecture: str,
    arguments: Mapping[str, Any],
    normalisation: tuple[Mean, Std],
    classes: Sequence[str],
) -> dict[str, Any]:
    extra = f", **{dict(arguments)!r}" if arguments else ""
    return {
        "format": library,
        "architecture": architecture,
        "arguments": dict(arguments),
        "num_classes": len(classes),
        "classes": list(classes),
        "mean": list(normalisation[0]),
        "std": list(normalisation[1]),
        "how_to_load": how.format(architecture=architecture, classes=len(classes), arguments=extra),
    }
