"""The contract of students: backbone, initial weights, and how a trained one is loaded again."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from distbench.interfaces.component import Component

if TYPE_CHECKING:
    import torch


RANDOM_WEIGHTS = "random"
"""Fingerprint of a student that starts from random weights."""


class Suggested(BaseModel):
    """What `Student.suggestions` may say of an architecture; there may be more."""

    value: str
    parameters: float | None = None
    macs: float | None = None
    note: str = ""


class Student(Component, ABC):
    """An efficient architecture with its initialisation."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the initial weights, ``random`` where they are drawn; cheap, loads no torch.

        Raises:
            WeightsError: They cannot be had; says how to name a file or go without.
        """

    def trained_on(self) -> Sequence[str]:
        """Data sets whose labels its initial weights have learnt, as `TaskIndex.seen_by` has them.

        None where they are drawn, or where it is not known. Results on a task of which they have
        learnt the labels say so.
        """
        return ()

    @abstractmethod
    def backbone(self, *, pretrained: bool) -> torch.nn.Module:
        """The network up to its pooled features: (b, 3, s, s) to (b, `num_features`).

        Built anew at each call: one is trained, and another, without `pretrained`, takes over its
        parameters and persistent buffers, to be judged and shipped. In evaluation mode the
        features of an image depend on nothing but the image and these.

        Args:
            pretrained: False for the random initialisation of `scratch`.

        Returns:
            A module with an integer attribute ``num_features``.
        """

    @abstractmethod
    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and standard deviation of the input channels (of images in 0..1)."""

    @classmethod
    def suggestions(cls) -> Sequence[Mapping[str, Any]]:
        """Architectures worth a try, for `distbench list students`.

        Returns:
            Of each its ``value``, as it is typed after the colon, what is known of its cost
            without a classifier (``parameters``, ``macs``), and a ``note``.
        """
        return ()

    def export(
        self, backbone: Mapping[str, Any], head: Mapping[str, Any], classes: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """State dict and recipe by which the trained student is loaded without distbench.

        Args:
            backbone: State dict of the trained backbone.
            head: ``weight`` (c, d) and ``bias`` (c,) of the classifier.
            classes: Class names in the order of the outputs.

        Returns:
            Tensors by name, and a JSON-able description of how to load them. Its ``format`` names
            what it is for, ``distbench``, ``timm``, ``torchvision`` or another; its ``how_to_load``
            is Python in which ``PATH`` names their safetensors file, and which makes ``model``,
            from normalised images to logits; ``files`` are texts by name (letters, digits, ``_``,
            ``-`` and ``.``) to lie beside that file, modules that it imports among them.
        """
        tensors = {f"backbone.{k}": v for k, v in backbone.items()}
        tensors |= {f"head.{k}": v for k, v in head.items()}
        return tensors, recipe_of(self)

    def backbone_recipe(self) -> dict[str, Any]:
        """How its backbone is loaded without distbench, for students under a head that is no layer.

        Returns:
            As of `export`, but the ``how_to_load`` is Python in which ``tensors`` is the state dict
            of the trained backbone, and which makes ``backbone``, from normalised images to pooled
            features.
        """
        return _recipe(self, _BACKBONE)


_MODULE = "architecture"
_HOW_TO_LOAD = """\
import torch
from safetensors.torch import load_file
from {module} import {name}
tensors = load_file(PATH)
backbone = {name}(**{settings!r}).backbone(pretrained=False)
head = torch.nn.Linear(*tensors["head.weight"].shape[::-1])
model = torch.nn.ModuleDict({{"backbone": backbone, "head": head}})
model.load_state_dict(tensors)
model = torch.nn.Sequential(backbone, head).eval()
"""
_BACKBONE = """\
from {module} import {name}
backbone = {name}(**{settings!r}).backbone(pretrained=False)
backbone.load_state_dict(tensors)
"""


def recipe_of(student: Component) -> dict[str, Any]:
    """What `distbench.Student.export` says of a student whose class says nothing itself.

    Its class is imported, so distbench is needed; the class of a plugin file goes along as text.
    """
    return _recipe(student, _HOW_TO_LOAD)


def _recipe(student: Component, how_to_load: str) -> dict[str, Any]:
    cls = type(student)
    module, files = cls.__module__, {}
    if module.startswith("distbench_plugin_"):
        files[f"{_MODULE}.py"] = Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")
        module = _MODULE
    paths = {key for key, value in student if isinstance(value, Path)}
    settings = student.model_dump(mode="json", by_alias=True, exclude=paths, exclude_defaults=True)
    return {
        "format": "distbench",
        "student": student.typed(whole_paths=False),
        "settings": settings,
        "how_to_load": how_to_load.format(module=module, name=cls.__name__, settings=settings),
        **({"files": files} if files else {}),
    }
