"""Which architecture weights are of, by the names and shapes of their tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import DistbenchError
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.models import timm_create, torchvision_create
from distbench_builtin.shared.models.timm_cards import card
from distbench_builtin.shared.models.weight_files import load_strictly
from distbench_builtin.shared.zoo_adding.outlines import Library, Shape, classes_of, fits, outline

if TYPE_CHECKING:
    import torch

Candidate = tuple[Library, str]

_ALIKE = 0.5
"""Share of the names of layers that a family's first architecture has in common with weights."""
_HEAD = 4_200_000
"""Parameters that a classifier of 1,000 classes has at most."""
_TRIED = 12
_SAME = 1e-4


def architectures_of(file: Path, tensors: Mapping[str, torch.Tensor]) -> list[Candidate]:
    """Architectures that have exactly these tensors; one of those that compute the same.

    An architecture that the file is named after is taken if the weights fit it: its name is what
    somebody said of it, and weights alone do not show what has none, such as padding. Otherwise
    all of both libraries are looked at, once a file.
    """
    key = {
        "file": file_digest(file),
        "name": file.stem,
        "timm": version("timm"),
        "torchvision": version("torchvision"),
    }

    def look() -> dict[str, Any]:
        named = _named(file.stem, list(_known()))
        fitting = _fitting(tensors, named) or _fitting(tensors, _near(_shapes(tensors)))
        return {"candidates": _told_apart(tensors, fitting)}

    held = remembered("architecture-of", key, look)["candidates"]
    return [(library, name) for library, name in held]


def _known() -> Iterator[Candidate]:
    import timm

    yield from (("torchvision", name) for name in torchvision_create.names())
    yield from (("timm", name) for name in timm.list_models())


def _named(stem: str, known: Sequence[Candidate]) -> list[Candidate]:
    """Architectures whose name stands in that of a file, those of the longest name."""
    text = f"_{re.sub(r'[^a-z0-9]+', '_', stem.lower())}_"
    inside = [one for one in known if f"_{one[1].lower()}_" in text]
    longest = max((len(name) for _, name in inside), default=0)
    return [one for one in inside if len(one[1]) == longest]


def _near(shapes: Mapping[str, Shape]) -> Iterator[Candidate]:
    """Architectures of the families whose layers are called as those of the weights."""
    size = sum(map(prod, shapes.values()))
    yield from (("torchvision", n) for n in torchvision_create.names() if _smaller(n, size))
    tops = {name.partition(".")[0] for name in shapes}
    for members in _families():
        first = _outlined(("timm", members[0]))
        theirs = {name.partition(".")[0] for name in first}
        if len(tops & theirs) >= _ALIKE * len(tops | theirs):
            yield from (("timm", name) for name in members)


def _smaller(name: str, size: int) -> bool:
    """Whether a torchvision architecture may have as few numbers as weights have."""
    from torchvision import models

    meta = next(iter(models.get_model_weights(name))).meta
    return int(meta["num_params"]) - _HEAD <= size


def _families() -> list[list[str]]:
    """Architectures of timm by the module that makes them."""
    import timm

    modules = timm.list_modules()
    return [names for module in modules if (names := timm.list_models(module=module))]


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _fitting(
    tensors: Mapping[str, torch.Tensor], candidates: Iterable[Candidate]
) -> list[Candidate]:
    """Those that have exactly these tensors, by the names that their library has today."""
    shapes = {
        "timm": _shapes(tensors),
        "torchvision": _shapes(torchvision_create.renamed(tensors)),
    }
    return [one for one in candidates if fits(shapes[one[0]], _outlined(one))]


def _outlined(candidate: Candidate) -> dict[str, Shape]:
    """Shapes of an architecture; none of one that cannot be made without values or arguments."""
    try:
        return outline(*candidate)
    except (DistbenchError, NotImplementedError, RuntimeError):
        return {}


def _told_apart(
    tensors: Mapping[str, torch.Tensor], fitting: Sequence[Candidate]
) -> list[Candidate]:
    """Of those that give the same for an image the plainest name alone, the plainest first."""
    ordered = sorted(fitting, key=lambda one: (len(one[1]), one))
    if len(ordered) < 2 or len(ordered) > _TRIED:
        return ordered
    import torch

    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    different: list[tuple[Candidate, torch.Tensor | None]] = []
    for one in ordered:
        answer = _answer(tensors, one, image)
        if not any(_same(answer, other) for _, other in different):
            different.append((one, answer))
    return [one for one, _ in different]


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Whether two answers are the same; of none nothing is known."""
    if one is None or other is None:
        return False
    return bool(((one - other).abs() <= _SAME * other.abs().max()).all())


def _answer(
    tensors: Mapping[str, torch.Tensor], candidate: Candidate, image: torch.Tensor
) -> torch.Tensor | None:
    """Logits of an image; None of an architecture that does not take its size."""
    import torch

    library, name = candidate
    weights = torchvision_create.renamed(tensors) if library == "torchvision" else tensors
    classes = classes_of(_shapes(weights), _outlined(candidate)) or 0
    if library == "torchvision":
        model = torchvision_create.create(name, classes)
    else:
        model = timm_create.create(name, classes, {})
        if card(name)["fixed_size"]:
            side = card(name)["input_size"]
            image = torch.nn.functional.interpolate(image, (side, side))
    load_strictly(model, weights, file="weights", into=name)
    with torch.inference_mode():
        try:
            logits: torch.Tensor = model.eval()(image)
        except (AssertionError, RuntimeError):
            return None
    return logits
