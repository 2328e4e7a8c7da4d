"""What a student gives for its export, held against the contract of `distbench.Student.export`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from distbench.engine.students.head_export import under_head
from distbench.engine.students.trained_source import Exportable
from distbench.errors import PluginError
from distbench.interfaces.calls import instance, naming

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.classifier import Classifier

    Exported = tuple[dict[str, torch.Tensor], dict[str, Any]]

_FILE = re.compile(r"\w[\w.-]*")
_OURS = frozenset({"load.py", "model.json", "model.safetensors", "preprocessing.json", "README.md"})


class _Recipe(BaseModel):
    format: str
    how_to_load: str
    files: dict[str, str] = {}


class _TimmRecipe(_Recipe):
    architecture: str
    arguments: dict[str, Any]
    num_classes: int


def exported(student: Exportable, model: Classifier, classes: Sequence[str]) -> Exported:
    """Copies of the tensors and the recipe by which a trained student is loaded elsewhere.

    Args:
        student: The component, or the source that was trained in its place.
        model: The trained student.
        classes: Class names in the order of the outputs.

    Raises:
        PluginError: It raises, or gives what cannot be stored, or a recipe that says too little.
    """
    from distbench.engine.training.heads import as_linear

    name, backbone = student.name, model.backbone.state_dict()
    linear = as_linear(model.head)
    with naming(name, "export"):
        if linear is None:
            given: Any = under_head(student, model)
        else:
            given = student.export(backbone, linear, classes)
        copies, recipe = _copied(name, given)
    _check_recipe(name, recipe)
    return copies, recipe


def _copied(name: str, given: Any) -> Exported:
    import torch

    if not isinstance(given, tuple) or len(given) != 2:
        raise _wrong(name, f"gave a {type(given).__name__} and no pair of tensors and recipe")
    for part in given:
        instance(name, "export", part, dict)
    tensors, recipe = given
    for key, tensor in tensors.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise _wrong(name, f"{key!r} is a {type(tensor).__name__} and no named tensor")
    recipe = json.loads(json.dumps(recipe, allow_nan=False))
    return {key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}, recipe


def _check_recipe(name: str, recipe: Mapping[str, Any]) -> None:
    kind = _TimmRecipe if recipe.get("format") == "timm" else _Recipe
    try:
        files = kind.model_validate(recipe).files
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _wrong(name, f"its recipe's {where} will not do: {first['msg']}") from None
    for file in files:
        if not _FILE.fullmatch(file) or file in _OURS:
            raise _wrong(name, f"its recipe has a file {file!r}; give it a plain name of its own")


def _wrong(name: str, what: str) -> PluginError:
    return PluginError(name, f"export: {what}")
