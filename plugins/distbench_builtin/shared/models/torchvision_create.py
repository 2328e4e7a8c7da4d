"""torchvision's classifiers: made with a message for the person, measured, split in two."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from distbench import DistbenchError, UsageError, did_you_mean
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.models.cost import COUNTED, Cost, measured

if TYPE_CHECKING:
    import torch

_ALONE: Mapping[str, dict[str, Any]] = {
    name: {"aux_logits": False, "init_weights": False} for name in ("googlenet", "inception_v3")
}
"""Without the heads that serve only to train them, and that change what they return."""
_RENORMALISED = frozenset(_ALONE)
"""Those whose published weights take images of another normalisation, and undo ours themselves."""
AUXILIARY = re.compile(r"(aux1|aux2|AuxLogits)\.")
"""Weights of these heads."""
_OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


class Weights(TypedDict):
    """What torchvision says of published weights.

    Attributes:
        name: Of the entry, e.g. ``IMAGENET1K_V1``.
        url: Where they lie.
        num_classes: Outputs of the classifier.
        input_size: Side of the square input, pixels.
        mean: Of the input channels.
        std: Of the input channels.
        interpolation: How images are resized.
        crop: Share of a square image's side that its test images showed.
        licence: Of the weights; PyTorch's own where none is named.
    """

    name: str
    url: str
    num_classes: int
    input_size: int
    mean: list[float]
    std: list[float]
    interpolation: Literal["bilinear", "bicubic"]
    crop: float
    licence: str


def names() -> list[str]:
    """All classifiers of torchvision."""

    def find() -> dict[str, Any]:
        from torchvision import models

        return {"names": models.list_models(module=models)}

    return list(
        remembered("torchvision-names", {"torchvision": version("torchvision")}, find)["names"]
    )


def check(architecture: str, *, error: type[DistbenchError] = UsageError) -> None:
    """Refuses names that torchvision does not have."""
    known = names()
    if architecture not in known:
        near = did_you_mean(architecture, known) or " See torchvision.models.list_models()"
        raise error(f"torchvision knows no classifier {architecture!r}.{near}")


_SWAG = ("instagram-3.6b",)
"""What the weights of SWAG (arXiv:2201.08371) have learnt from before ImageNet."""


def learnt_from(weights: str) -> tuple[str, ...]:
    """The data sets that published weights of classifiers have learnt from, by their name."""
    return (*(_SWAG if "SWAG" in weights else ()), "imagenet-1k")


def weights(architecture: str, name: str, *, error: type[DistbenchError] = UsageError) -> Weights:
    """Looks published weights up; imports torchvision only the first time.

    Args:
        architecture: Name in torchvision's registry.
        name: ``DEFAULT``, ``IMAGENET1K_V1``, ...
        error: What is raised where a name is wrong.
    """
    check(architecture, error=error)
    key = {
        "architecture": architecture,
        "weights": name,
        "torchvision": version("torchvision"),
        "form": 2,
    }
    card = remembered("torchvision-card", key, lambda: dict(_look_up(architecture, name, error)))
    return cast("Weights", card)


def _look_up(architecture: str, name: str, error: type[DistbenchError]) -> Weights:
    from torchvision import models

    known = models.get_model_weights(architecture)
    try:
        entry = known[name]
    except KeyError:
        offered = ", ".join(("DEFAULT", *(one.name for one in known)))
        raise error(
            f"torchvision has no weights {name!r} of {architecture!r}; it has {offered}"
        ) from None
    shown = entry.transforms()
    return {
        "name": entry.name,
        "url": entry.url,
        "num_classes": len(entry.meta["categories"]),
        "input_size": shown.crop_size[0],
        "mean": list(shown.mean),
        "std": list(shown.std),
        "interpolation": "bicubic" if shown.interpolation.value == "bicubic" else "bilinear",
        "crop": min(1.0, shown.crop_size[0] / shown.resize_size[0]),
        "licence": entry.meta.get("license") or "BSD-3-Clause",
    }


def create(
    architecture: str,
    num_classes: int,
    *,
    published: bool = False,
    error: type[DistbenchError] = UsageError,
    arguments: Mapping[str, Any] | None = None,
) -> torch.nn.Module:
    """A classifier with random weights.

    Args:
        architecture: Name in torchvision's registry.
        num_classes: Outputs of the classifier.
        published: Whether torchvision's own weights will be loaded, which some architectures
            take with a normalisation of their own.
        error: What is raised where the name or an argument is wrong.
        arguments: The user's, for the architecture.
    """
    check(architecture, error=error)
    from torchvision import models

    own = {**options(architecture, published=published), **(arguments or {})}
    try:
        model: torch.nn.Module = models.get_model(
            architecture, weights=None, num_classes=num_classes, **own
        )
    except TypeError as problem:
        raise error(f"torchvision's {architecture!r} refuses its arguments: {problem}") from None
    return model


def options(architecture: str, *, published: bool = False) -> dict[str, Any]:
    """What `torchvision.models.get_model` has to be given besides the number of classes."""
    own = dict(_ALONE.get(architecture, {}))
    if architecture in _RENORMALISED:
        own["transform_input"] = published
    return own


def renamed(tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """Published weights under the names that torchvision has today, without auxiliary heads."""
    changes = {name: _OLD_NAMES.sub(r"\1\2", name) for name in tensors}
    if all(old == new and not AUXILIARY.match(old) for old, new in changes.items()):
        return tensors
    return {new: tensors[old] for old, new in changes.items() if not AUXILIARY.match(new)}


def head(model: torch.nn.Module) -> tuple[str, torch.nn.Module]:
    """The classifier and its name: the last linear layer, or all of it where it has none."""
    from torch import nn

    linear = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    return linear[-1] if linear else ("classifier", cast("Any", model).classifier)


def split(model: torch.nn.Module) -> Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """A function from images to features and logits; features are what the classifier is given.

    Where the classifier is a convolution, they are averaged over the image.
    """
    _, last = head(model)
    given: list[torch.Tensor] = []
    last.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))

    def run(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given.clear()
        logits: torch.Tensor = model(images)
        features = given.pop()
        return (features.mean((2, 3)) if features.ndim == 4 else features), logits

    return run


def headless(model: torch.nn.Module) -> torch.nn.Module:
    """The network up to its pooled features, with ``num_features`` and the name of what is gone.

    Names in its state dict stay; what is gone is called `head_name`.
    """
    from torch import nn

    loose: Any = model
    loose.head_name, last = head(model)
    if isinstance(last, nn.Linear):
        loose.num_features = last.in_features
        model.set_submodule(loose.head_name, nn.Identity())
    else:  # SqueezeNet: dropout, convolution, ReLU, pooling
        loose.num_features = next(p.in_channels for p in last.modules() if isinstance(p, nn.Conv2d))
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        model.set_submodule(loose.head_name, pooled)
    return model


def facts(
    architecture: str,
    *,
    num_classes: int,
    input_size: int,
    error: type[DistbenchError] = UsageError,
    published: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> Cost:
    """Size and cost of an architecture; imports torch only when asked for the first time.

    Args:
        architecture: Name in torchvision's registry.
        num_classes: Outputs of the classifier.
        input_size: Side of the square input, pixels.
        error: What is raised where the name is wrong or the side does not fit.
        published: As for `create`.
        arguments: As for `create`.
    """
    key = {
        "architecture": architecture,
        "num_classes": num_classes,
        "input_size": input_size,
        "torchvision": version("torchvision"),
        "counted": COUNTED,
        **({"arguments": dict(arguments)} if arguments else {}),
    }

    def make() -> torch.nn.Module:
        return create(
            architecture, num_classes, published=published, error=error, arguments=arguments
        )

    def measure() -> dict[str, Any]:
        what = f"torchvision's {architecture!r}"
        return dict(measured(what, make, lambda m, image: split(m)(image)[0], input_size, error))

    return cast("Cost", remembered("torchvision-size", key, measure))
