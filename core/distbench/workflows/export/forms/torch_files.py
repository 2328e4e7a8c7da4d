"""Students for PyTorch: weights with a loader, a folder for timm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from distbench.engine.students.export import exported
from distbench.engine.students.head_export import with_views
from distbench.errors import UsageError
from distbench.interfaces.calls import naming
from distbench.workflows.export.forms.loader import torch_loader
from distbench.workflows.export.forms.written import Written, by_loader, write_json
from distbench.workflows.export.student import Original

_WEIGHTS = "model.safetensors"
_LOAD_TIMM = """\
import timm
model = timm.create_model(f"local-dir:{PATH.parent}", pretrained=True)
"""
_LIBRARIES = {"timm": ("timm",), "torchvision": ("torchvision",), "distbench": ("distbench",)}


def write_torch(original: Original, folder: Path) -> Written:
    """Weights as safetensors, architecture and settings as JSON, and a module that loads them."""
    from safetensors.torch import save_file

    tensors, recipe = _recipe(original)
    if original.exported_views is not None:
        recipe = with_views(recipe, *original.exported_views)
    files = recipe.pop("files", {})
    save_file(tensors, folder / _WEIGHTS)
    write_json(folder / "model.json", recipe)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    loader = torch_loader(recipe["how_to_load"], original.task.several)
    logits = by_loader(original, folder, loader, "export: how_to_load")
    library = _LIBRARIES.get(recipe["format"].removesuffix("+head"), ())
    needed = ("torch", "safetensors", "numpy", "pillow", *library)
    return Written(_WEIGHTS, logits, needed, single=original.exported_views is None)


def write_timm(original: Original, folder: Path) -> Written:
    """A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` reads, and `load.py`.

    Raises:
        UsageError: The student is no timm model, or has a head that timm's has not.
    """
    tensors, recipe = _recipe(original)
    if recipe["format"] != "timm" or ":" in recipe["architecture"]:
        student = original.exporter.typed(whole_paths=False)
        under = f" under a {recipe['head']['class']}" if recipe["format"].endswith("+head") else ""
        raise UsageError(
            f"--to timm: student {student}{under} is no model of timm's registry with timm's own "
            "classifier; use --to torch or --to onnx"
        )
    import timm
    from safetensors.torch import save_file

    architecture, arguments = recipe["architecture"], recipe["arguments"]
    with naming(original.exporter.name, "export: the architecture of its recipe"):
        bare = timm.create_model(architecture, num_classes=recipe["num_classes"], **arguments)
    pretrained_cfg: Any = bare.pretrained_cfg
    steps = original.steps
    save_file(tensors, folder / _WEIGHTS)
    config = {
        "architecture": architecture.partition(".")[0],
        "num_classes": recipe["num_classes"],
        "num_features": bare.num_features,
        "label_names": recipe["classes"],
        **({"model_args": arguments} if arguments else {}),
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": [3, steps.size, steps.size],
            "fixed_input_size": bool(pretrained_cfg.get("fixed_input_size", False)),
            "interpolation": "bilinear",
            "crop_pct": steps.crop,
            "crop_mode": "center",
            "mean": list(steps.mean),
            "std": list(steps.std),
            "num_classes": recipe["num_classes"],
            "pool_size": None,
            "first_conv": pretrained_cfg.get("first_conv"),
            "classifier": pretrained_cfg.get("classifier"),
        },
    }
    write_json(folder / "config.json", config)
    loader = torch_loader(_LOAD_TIMM, original.task.several)
    logits = by_loader(original, folder, loader, "export: its tensors in timm")
    return Written(_WEIGHTS, logits, ("timm", "torch", "numpy", "pillow"), single=True)


def _recipe(original: Original) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and the description of how to load them, as the student gives them."""
    classes = original.task.classes
    tensors, recipe = exported(original.exporter, original.model, classes)
    return tensors, {**recipe, "classes": list(classes), "input_size": original.steps.size}
