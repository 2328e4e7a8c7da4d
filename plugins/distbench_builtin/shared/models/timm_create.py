"""timm architectures: made with a message for the person, measured on paper, loaded whole."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from distbench import DistbenchError, UsageError, WeightsError, did_you_mean
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.models.cost import COUNTED, Cost, measured

if TYPE_CHECKING:
    import torch

FOLDER = "local-dir:"
"""Before the path of a folder with ``config.json`` and weights, where a name of the registry could
stand: timm's own prefix."""

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


def create(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, Any],
    *,
    error: type[DistbenchError] = UsageError,
    **own: Any,
) -> torch.nn.Module:
    """`timm.create_model`, with random weights unless `own` says otherwise.

    Args:
        architecture: Name in timm's registry, or `FOLDER` and a path.
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


def check(
    architecture: str, arguments: Mapping[str, Any], *, error: type[DistbenchError] = UsageError
) -> None:
    """Refuses names that timm does not have and arguments that are not the user's to give."""
    taken = sorted(_OURS & set(arguments))
    if taken:
        raise error(f"arguments.{taken[0]} is set by distbench and cannot be given")
    if architecture.startswith(FOLDER):
        return
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
    return f"{what}.{did_you_mean(name, known) or ' See timm.list_models()'}"


def facts(
    architecture: str,
    arguments: Mapping[str, Any],
    *,
    num_classes: int,
    input_size: int,
    error: type[DistbenchError] = UsageError,
    known_by: str | None = None,
) -> Cost:
    """Size and cost of an architecture; imports torch only when asked for the first time.

    Args:
        architecture: Name in timm's registry, or `FOLDER` and a path.
        arguments: The user's, for the architecture.
        num_classes: 0 for the network without its classifier.
        input_size: Side of the square input, pixels.
        error: What is raised where the name or an argument is wrong.
        known_by: Digest of the configuration of a folder.
    """
    key = {
        "architecture": known_by or architecture,
        "arguments": dict(arguments),
        "num_classes": num_classes,
        "input_size": input_size,
        "timm": version("timm"),
        "counted": COUNTED,
    }
    cost = remembered(
        "timm-size",
        key,
        lambda: dict(_measure(architecture, arguments, num_classes, input_size, error)),
    )
    return cast("Cost", cost)


def shapes(
    architecture: str, num_classes: int, arguments: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Names and shapes in the state dict of an architecture."""
    import torch

    try:
        with torch.device("meta"):
            model = create(architecture, num_classes, arguments)
    except (NotImplementedError, RuntimeError):
        model = create(architecture, num_classes, arguments)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def pretrained(
    architecture: str,
    file: Path,
    arguments: Mapping[str, Any],
    *,
    classes: int,
    keep_classifier: bool,
    error: type[DistbenchError] = UsageError,
    hint: str = "",
) -> torch.nn.Module:
    """A network with the weights that a file of timm's own holds, none of them left random.

    They are loaded with their own classifier, since timm is strict only then: with another number
    of classes, weights that do not fit the arguments would silently stay random.

    Args:
        architecture: Name in timm's registry, or `FOLDER` and a path.
        file: The weights, under the names that timm's conversion of this architecture takes.
        arguments: The user's, for the architecture.
        classes: Outputs of the classifier in the file; 0 where it has none.
        keep_classifier: False for the network without it.
        error: What is raised where the name or an argument is wrong.
        hint: Added to messages: what to do.

    Raises:
        WeightsError: The file cannot be read or does not fit.
    """
    from distbench_builtin.shared.models.weight_files import load_strictly, read_weights

    overlay: dict[str, Any] = {"source": None, "file": str(file), "custom_load": False}
    if file.suffix != ".safetensors":  # we unpickle ourselves, and tensors only
        overlay |= {"file": None, "state_dict": dict(read_weights(file))}
    own = {"pretrained": True, "pretrained_cfg_overlay": overlay}
    try:
        whole = create(architecture, classes, arguments, error=error, **own)
    except DistbenchError:
        raise
    except Exception as problem:  # timm passes on what torch and safetensors raise
        reason = " ".join(str(problem).split())[:300]
        raise WeightsError(
            f"the pretrained weights of timm's {architecture!r} cannot be loaded from {file} (with "
            f"arguments {dict(arguments)}): {reason}{hint}"
        ) from None
    kept: Any = getattr(whole, "pretrained_cfg", None)
    if isinstance(kept, dict):
        kept.pop("state_dict", None)  # a second copy of all weights
    if keep_classifier or not classes:
        return whole
    model = create(architecture, 0, arguments, error=error)
    names = set(model.state_dict())
    tensors = {name: t for name, t in whole.state_dict().items() if name in names}
    load_strictly(model, tensors, file=file, into=f"timm's {architecture!r}")
    return model


def _measure(
    architecture: str,
    arguments: Mapping[str, Any],
    num_classes: int,
    input_size: int,
    error: type[DistbenchError],
) -> Cost:
    def make() -> torch.nn.Module:
        return create(architecture, num_classes, arguments, error=error)

    def features(model: Any, image: torch.Tensor) -> torch.Tensor:
        maps = model.forward_features(image) if num_classes else None
        pooled = model.forward_head(maps, pre_logits=True) if num_classes else model(image)
        if pooled.ndim != 2:
            raise error(
                f"timm's {architecture!r} gives features of shape {tuple(pooled.shape)} with these "
                "arguments; distbench needs pooled ones (b, d)"
            )
        return cast("torch.Tensor", pooled)

    return measured(f"timm architecture {architecture!r}", make, features, input_size, error)
