"""Names and shapes of architectures' tensors, by which weights are recognised."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from distbench import DistbenchError
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.models import timm_create, torchvision_create

if TYPE_CHECKING:
    import torch

Library = Literal["timm", "torchvision"]
Shape = tuple[int, ...]

_CLASSES = 1009
"""Of the classifier that is outlined: a width that no other layer has."""


def outline(
    library: Library, name: str, arguments: Mapping[str, Any] | None = None
) -> dict[str, Shape]:
    """Shapes of an architecture's tensors by name; where a class has a row, it begins with 0.

    Raises:
        UsageError: The library does not know the architecture or an argument.
        RuntimeError, NotImplementedError: It cannot be made without values.
    """
    key = {
        "library": library,
        "name": name,
        "arguments": dict(arguments or {}),
        "version": version(library),
    }

    def make() -> dict[str, Any]:
        return {k: list(s) for k, s in _shapes(library, name, arguments or {}).items()}

    held: Mapping[str, Any] = remembered("outline", key, make)
    return {k: (0, *s[1:]) if s[:1] == [_CLASSES] else tuple(s) for k, s in held.items()}


def classes_of(shapes: Mapping[str, Shape], outlined: Mapping[str, Shape]) -> int | None:
    """How many classes weights have, by the rows of the classifier that an architecture has."""
    rows = {shapes[k][0] for k, s in outlined.items() if s[:1] == (0,) and shapes.get(k)}
    return rows.pop() if len(rows) == 1 else None


def fits(shapes: Mapping[str, Shape], outlined: Mapping[str, Shape]) -> bool:
    """Whether weights are those of an architecture, whatever number of classes they tell apart."""
    return not misfit(shapes, outlined)


def misfit(shapes: Mapping[str, Shape], outlined: Mapping[str, Shape]) -> str:
    """Why weights are not those of an architecture; nothing if they are.

    Counters of batch norms may be missing, as in old files.
    """
    classes = classes_of(shapes, outlined)
    if classes is None:
        return "they have not its classifier"
    wanted = {k: (classes, *s[1:]) if s[:1] == (0,) else s for k, s in outlined.items()}
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}
    for what, names in (
        ("missing is", wanted.keys() - shapes.keys() - counters),
        ("left over is", shapes.keys() - wanted.keys()),
        ("of another shape is", {k for k in shapes if k in wanted and shapes[k] != wanted[k]}),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"{what} {min(names)}{more}"
    return ""


def _shapes(library: Library, name: str, arguments: Mapping[str, Any]) -> dict[str, Shape]:
    import torch

    def tensors() -> Mapping[str, torch.Tensor]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of random weights, which nobody will use
            if library == "timm":
                return timm_create.create(name, _CLASSES, arguments).state_dict()
            return torchvision_create.create(name, _CLASSES, arguments=arguments).state_dict()

    try:
        with torch.device("meta"):
            held = tensors()
    except DistbenchError:
        raise
    except (NotImplementedError, RuntimeError):
        if library == "timm":
            raise
        held = tensors()  # RegNet computes its widths by torch
    return {key: tuple(tensor.shape) for key, tensor in held.items()}
