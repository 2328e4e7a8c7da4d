"""timm architectures: made with a message for the person, measured without computing."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypedDict, cast

from distbench import DistbenchError
from distbench_builtin._facts import remembered

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

_OURS = {
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "checkpoint_path",
    "cache_dir",
    "num_classes",
    "in_chans",
    "features_only",
}
"""Arguments of `timm.create_model` that distbench sets itself, or that load weights unseen."""


class Facts(TypedDict):
    """What an architecture costs.

    Attributes:
        feature_dim: Pooled features.
        parameters: Trainable numbers, the classifier's included.
        macs: Multiply-accumulates of one image.
    """

    feature_dim: int
    parameters: int
    macs: int


def create(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, Any],
    *,
    error: type[DistbenchError],
    **own: Any,
) -> torch.nn.Module:
    """`timm.create_model`, with random weights unless `own` says otherwise.

    Args:
        architecture: Name in timm's registry.
        num_classes: 0 for the network without its classifier.
        arguments: The user's, for the architecture.
        error: What is raised where the name or an argument is wrong.
        own: Further arguments of `timm.create_model`, set by distbench.
    """
    check(architecture, arguments, error=error)
    import timm

    try:
        model = timm.create_model(architecture, num_classes=num_classes, **arguments, **own)
    except TypeError as problem:
        raise error(f"timm's {architecture!r} refuses its arguments: {problem}") from None
    return model


def check(architecture: str, arguments: Mapping[str, Any], *, error: type[DistbenchError]) -> None:
    """Refuses names that timm does not have and arguments that are not the user's to give."""
    taken = sorted(_OURS & set(arguments))
    if taken:
        raise error(f"arguments.{taken[0]} is set by distbench and cannot be given")
    import timm

    if timm.is_model(architecture):
        try:
            timm.models.get_pretrained_cfg(architecture)
        except RuntimeError:
            base, _, tag = architecture.partition(".")
            what = f"timm knows no weights {tag!r} of {base!r}"
            raise error(_unknown(what, architecture, pretrained=True)) from None
        return
    raise error(_unknown(f"timm knows no architecture {architecture!r}", architecture))


def _unknown(what: str, name: str, *, pretrained: bool = False) -> str:
    import timm

    known = timm.list_models(pretrained=pretrained) if pretrained else timm.list_models()
    near = difflib.get_close_matches(name, known, n=3)
    guess = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return what + (guess or "; see timm.list_models()")


def facts(
    architecture: str,
    arguments: Mapping[str, Any],
    *,
    num_classes: int,
    input_size: int,
    error: type[DistbenchError],
) -> Facts:
    """Size and cost of an architecture; imports torch only when asked for the first time.

    Args:
        architecture: Name in timm's registry.
        arguments: The user's, for the architecture.
        num_classes: 0 for the network without its classifier.
        input_size: Side of the square input, pixels.
        error: What is raised where the name or an argument is wrong.
    """
    key = {
        "architecture": architecture,
        "arguments": dict(arguments),
        "num_classes": num_classes,
        "input_size": input_size,
        "timm": version("timm"),
    }
    found = remembered(
        "timm-size",
        key,
        lambda: dict(_measure(architecture, arguments, num_classes, input_size, error)),
    )
    return cast("Facts", found)


def shapes(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, Any],
    *,
    error: type[DistbenchError],
) -> dict[str, tuple[int, ...]]:
    """Names and shapes in the state dict of an architecture."""
    import torch

    try:
        with torch.device("meta"):
            model = create(architecture, num_classes, arguments, error=error)
    except (NotImplementedError, RuntimeError):
        model = create(architecture, num_classes, arguments, error=error)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _measure(
    architecture: str,
    arguments: Mapping[str, Any],
    num_classes: int,
    input_size: int,
    error: type[DistbenchError],
) -> Facts:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def on(device: str) -> Facts:
        with torch.device(device):
            model: Any = create(architecture, num_classes, arguments, error=error).eval()
            image = torch.zeros(1, 3, input_size, input_size)
        with torch.no_grad():
            with FlopCounterMode(display=False) as counter:
                pooled = model(image)
            if num_classes:
                pooled = model.forward_head(model.forward_features(image), pre_logits=True)
        if pooled.ndim != 2:
            raise error(
                f"timm's {architecture!r} gives features of shape {tuple(pooled.shape)} with these "
                "arguments; distbench needs pooled ones (b, d)"
            )
        return {
            "feature_dim": pooled.shape[1],
            "parameters": sum(p.numel() for p in model.parameters()),
            "macs": counter.get_total_flops() // 2,
        }

    try:
        return on("meta")
    except DistbenchError:
        raise
    except Exception:  # an architecture that looks at values while it is built: compute for real
        _log.debug("%s cannot be measured on the meta device", architecture, exc_info=True)
    try:
        return on("cpu")
    except (AssertionError, RuntimeError) as problem:
        reason = str(problem).strip().splitlines()[0]
        raise error(
            f"timm architecture {architecture!r} does not take images of {input_size} x "
            f"{input_size} pixels: {reason}"
        ) from None
