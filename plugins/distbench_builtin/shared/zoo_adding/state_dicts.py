"""A state dict that is added to a zoo: what it tells, what it does not, and how it is listed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import Question, UsageError
from distbench_builtin.shared.models import torchvision_create
from distbench_builtin.shared.models.timm_cards import card
from distbench_builtin.shared.models.weight_files import read_weights
from distbench_builtin.shared.zoo_adding.given import Given, name_of
from distbench_builtin.shared.zoo_adding.outlines import Library, classes_of, misfit, outline
from distbench_builtin.shared.zoo_adding.recognise import architectures_of
from distbench_builtin.shared.zoo_building.settings import Architecture

if TYPE_CHECKING:
    import torch

_SHOWN = 8


class StateDict:
    """A state dict in a file.

    Args:
        file: As `read_weights` takes it.
        given: What is known of it.

    Raises:
        WeightsError: It cannot be read, or holds more than tensors.
    """

    def __init__(self, file: Path, given: Given) -> None:
        self._file = file
        self._given = given
        held = read_weights(file)
        # What a training wrapped the network in, such as Lightning's `model.`
        self._wrapper = _common_prefix(list(held))
        plain = {name.removeprefix(self._wrapper): tensor for name, tensor in held.items()}
        self._tensors: Mapping[str, torch.Tensor] = plain
        self._renamed = torchvision_create.renamed(plain)
        named = given.architecture
        self._candidates = [_library_of(named)] if named else architectures_of(file, plain)

    def questions(self) -> list[Question]:
        """What it does not tell, the architecture first."""
        given, known = self._given, len(self._candidates) == 1
        if known:
            self._classes()
        questions = [] if known else [self._which()]
        size, normalise = self._as_published() if known else (None, None)
        if given.input_size is None:
            questions.append(
                Question("input_size", "side of its square input, in pixels", suggestion=size)
            )
        if given.normalise is None:
            questions.append(
                Question(
                    "normalise",
                    "what its images were normalised by: imagenet, half, none, or six numbers",
                    suggestion=normalise,
                )
            )
        return questions

    def entry(self) -> dict[str, Any]:
        """Its table of the manifest, as far as the file and what is given tell it.

        Raises:
            UsageError: It is not of the architecture that was named.
        """
        library, name = self._candidates[0]
        arguments = self._arguments
        return {
            "format": library,
            "architecture": name,
            **({"arguments": arguments} if arguments else {}),
            "num_classes": self._classes(),
        }

    def copy(self, folder: Path, name: str) -> str:
        """Puts its weights into a folder; returns the name of the file there."""
        if self.as_it_is:
            target = folder / f"{name}{self._file.suffix}"
            shutil.copyfile(self._file, target)
            return target.name
        from safetensors.torch import save_file

        target = folder / f"{name}-unwrapped.safetensors"
        save_file({k: t.clone().contiguous() for k, t in self._tensors.items()}, target)
        target.chmod(0o644)
        return target.name

    @property
    def as_it_is(self) -> bool:
        """Whether a zoo can hold the file itself."""
        return not self._wrapper

    @property
    def _arguments(self) -> dict[str, Any]:
        return self._given.architecture.arguments if self._given.architecture else {}

    def _classes(self) -> int:
        """How many classes it tells apart.

        Raises:
            UsageError: It is not of the architecture that was named.
        """
        library, name = self._candidates[0]
        held = self._renamed if library == "torchvision" else self._tensors
        shapes = {key: tuple(tensor.shape) for key, tensor in held.items()}
        outlined = outline(library, name, self._arguments)
        classes, why = classes_of(shapes, outlined), misfit(shapes, outlined)
        if classes is None or why:
            raise UsageError(
                f"the weights {self._file} are not those of {library}:{name} with a classifier: "
                f"{why}; name another --architecture"
            )
        return classes

    def _which(self) -> Question:
        names = [f"{library}:{name}" for library, name in self._candidates]
        if not names:
            return Question(
                "architecture",
                "which architecture it is, timm:NAME or torchvision:NAME, perhaps with arguments "
                "(timm:mobilenetv2_100:pad_type=same); no architecture of these libraries has "
                "exactly its tensors without",
            )
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return Question(
            "architecture",
            f"which architecture it is: its tensors fit {', '.join(names[:_SHOWN])}{more}, which "
            "do not compute the same",
            suggestion=names[0],
        )

    def _as_published(self) -> tuple[str, str]:
        """Input size and normalisation that published weights of the architecture have."""
        library, name = self._candidates[0]
        own: Mapping[str, Any] = (
            card(name) if library == "timm" else torchvision_create.weights(name, "DEFAULT")
        )
        normalise = name_of((tuple(own["mean"]), tuple(own["std"])))
        return str(own["input_size"]), normalise


def _library_of(wanted: Architecture) -> tuple[Library, str]:
    """The library and the name of an architecture that was named.

    Raises:
        UsageError: No library has it.
    """
    import timm

    library = wanted.library
    if library is None:
        is_timm = timm.is_model(wanted.model) or wanted.model not in torchvision_create.names()
        library = "timm" if is_timm else "torchvision"
    if library == "timm":
        card(wanted.model)
        return "timm", wanted.model
    torchvision_create.check(wanted.model)
    return "torchvision", wanted.model


def _common_prefix(names: Sequence[str]) -> str:
    """What all names of tensors begin with, in whole steps."""
    prefix = ""
    for steps in zip(*(name.split(".")[:-1] for name in names), strict=False):
        if len({*steps}) > 1:
            break
        prefix += f"{steps[0]}."
    return prefix
