"""The export of a student whose head no linear layer stands in for, or that sees several views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.engine.students.trained_source import Exportable
from distbench.errors import UsageError
from distbench.interfaces.calls import instance

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.classifier import Classifier

_HEADS, _VIEWS = "student_head.py", "student_views.py"
_HOW_TO_LOAD = """\
import torch
from safetensors.torch import load_file
from student_head import {head}
held = load_file(PATH)
tensors = {{k[9:]: v for k, v in held.items() if k.startswith("backbone.")}}
{backbone}head = {head}(**{arguments!r})
head.load_state_dict({{k[5:]: v for k, v in held.items() if k.startswith("head.")}})
model = torch.nn.Sequential(backbone, head).eval()
"""
_SEVERAL = """
from student_views import SeveralViews
model = SeveralViews(model, {names!r}, {mean!r}).eval()
"""


def under_head(
    student: Exportable, model: Classifier
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and recipe, as of `Student.export`; the head is made without distbench.

    Raises:
        UsageError: The head is none of distbench's own.
    """
    from distbench.interfaces.training import heads

    head = model.head
    if not isinstance(head, heads.Head) or type(head).__module__ != heads.__name__:
        raise UsageError(
            f"the head {type(head).__name__} is a plugin's own, so only --to onnx exports it; "
            "CosineHead, MLPHead and PrototypeHead of distbench go --to torch, too"
        )
    recipe = dict(instance(student.name, "backbone_recipe", student.backbone_recipe(), dict))
    tensors = {f"backbone.{k}": v for k, v in model.backbone.state_dict().items()}
    tensors |= {f"head.{k}": v for k, v in head.state_dict().items()}
    kind = type(head).__name__
    code = str(recipe.get("how_to_load")).rstrip("\n") + "\n"
    return tensors, {
        **recipe,
        "format": f"{recipe.get('format')}+head",
        "head": {"class": kind, **head.arguments},
        "how_to_load": _HOW_TO_LOAD.format(head=kind, backbone=code, arguments=head.arguments),
        "files": {**recipe.get("files", {}), _HEADS: _text(heads.__file__)},
    }


def with_views(recipe: dict[str, Any], names: Sequence[str], mean: str) -> dict[str, Any]:
    """A recipe whose model averages over views of an image.

    Args:
        recipe: Of a model of one view.
        names: Of the views.
        mean: As `distbench.interfaces.training.views.SeveralViews` takes it.
    """
    from distbench.interfaces.training import views

    more = _SEVERAL.format(names=list(names), mean=mean)
    return {
        **recipe,
        "views": list(names),
        "how_to_load": recipe["how_to_load"].rstrip("\n") + more,
        "files": {**recipe.get("files", {}), _VIEWS: _text(views.__file__)},
    }


def _text(file: str | None) -> str:
    return Path(str(file)).read_text(encoding="utf-8")
