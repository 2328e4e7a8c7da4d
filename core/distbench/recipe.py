"""How a student of any kind is loaded again, where it has no way of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distbench.component import Component

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


def recipe_of(student: Component) -> dict[str, Any]:
    """What `distbench.Student.export` says of a student whose class says nothing itself.

    Its class is imported, so distbench is needed; the class of a plugin file goes along as text.
    """
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
        "how_to_load": _HOW_TO_LOAD.format(module=module, name=cls.__name__, settings=settings),
        **({"files": files} if files else {}),
    }
