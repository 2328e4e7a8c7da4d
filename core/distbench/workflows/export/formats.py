"""The formats: PyTorch weights with a loader, a folder for timm, one ONNX file."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.engine.students.export import exported
from distbench.engine.students.head_export import with_views
from distbench.errors import UsageError
from distbench.interfaces.calls import naming
from distbench.storage.safe_text import plain_json
from distbench.workflows.export.onnx_graph import graph_of, logits_of
from distbench.workflows.export.student import Original
from distbench.workflows.export.usage import loader, use_loader, use_onnx

Logits = NDArray[np.floating]

_LOAD_TIMM = """\
import timm
model = timm.create_model(f"local-dir:{PATH.parent}", pretrained=True)
"""


@dataclass(frozen=True)
class Written:
    """What a format put into a folder.

    Attributes:
        logits: What the written files say of the original's samples, (n, c).
        usage: Python that loads them from the working folder, for the card.
        packages: What this needs.
        single: Whether one view is all that they see, however the student was judged.
    """

    logits: Logits
    usage: str
    packages: tuple[str, ...]
    single: bool = False


def write_torch(original: Original, folder: Path) -> Written:
    """Weights as safetensors, architecture and settings as JSON, and a module that loads them."""
    from safetensors.torch import save_file

    tensors, recipe = _recipe(original)
    if original.exported_views is not None:
        recipe = with_views(recipe, *original.exported_views)
    files = recipe.pop("files", {})
    save_file(tensors, folder / "model.safetensors")
    _write_json(folder / "model.json", recipe)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    logits = _by_loader(original, folder, recipe["how_to_load"], "export: how_to_load")
    packages = {"timm": ("timm",), "torchvision": ("torchvision",), "distbench": ("distbench",)}
    needed = (
        "torch",
        "safetensors",
        "numpy",
        "pillow",
        *packages.get(recipe["format"].removesuffix("+head"), ()),
    )
    usage = use_loader(original.task.several)
    return Written(logits, usage, needed, original.exported_views is None)


def write_timm(original: Original, folder: Path) -> Written:
    """A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` reads, and `load.py`.

    Raises:
        UsageError: The student is no timm model, or has a head that timm's has not.
    """
    tensors, recipe = _recipe(original)
    if recipe["format"] != "timm" or ":" in recipe["architecture"]:
        student = original.work.student.typed(whole_paths=False)
        under = f" under a {recipe['head']['class']}" if recipe["format"].endswith("+head") else ""
        raise UsageError(
            f"--to timm: student {student}{under} is no model of timm's registry with timm's own "
            "classifier; use --to torch or --to onnx"
        )
    import timm
    from safetensors.torch import save_file

    architecture, arguments = recipe["architecture"], recipe["arguments"]
    with naming(original.work.student.name, "export: the architecture of its recipe"):
        bare = timm.create_model(architecture, num_classes=recipe["num_classes"], **arguments)
    pretrained_cfg: Any = bare.pretrained_cfg
    steps = original.steps
    save_file(tensors, folder / "model.safetensors")
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
    _write_json(folder / "config.json", config)
    logits = _by_loader(original, folder, _LOAD_TIMM, "export: its tensors in timm")
    usage = use_loader(original.task.several)
    return Written(logits, usage, ("timm", "torch", "numpy", "pillow"), single=True)


def write_onnx(original: Original, folder: Path) -> Written:
    """One file with resizing, normalisation and network; a batch may have any size.

    Raises:
        UsageError: torch makes no graph of it.
    """
    import onnx

    pixels = _pixels(original)
    model = graph_of(original.model, original.steps, pixels[:2], original.exported_views)
    about = {
        "classes": original.task.classes,
        "preprocessing": original.steps.as_dict(),
        **original.outputs,
    }
    for key, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, json.dumps(value, ensure_ascii=False)
    path = folder / "model.onnx"
    onnx.save_model(model, path)
    onnx.checker.check_model(path)
    usage = use_onnx(original.task.several)
    needed = ("onnxruntime", "numpy", "pillow")
    return Written(logits_of(path, pixels), usage, needed, original.exported_views is None)


WRITERS: Mapping[str, Callable[[Original, Path], Written]] = {
    "onnx": write_onnx,
    "torch": write_torch,
    "timm": write_timm,
}


def _by_loader(original: Original, folder: Path, loading: str, what: str) -> Logits:
    """Writes ``load.py``, and gives what it makes of the samples.

    Args:
        original: The student.
        folder: Where its weights lie.
        loading: Lines that make the network.
        what: Names it, should they fail.
    """
    (folder / "load.py").write_text(loader(loading, original.task.several), encoding="utf-8")
    with own_imports(folder), naming(original.work.student.name, what):
        there = runpy.run_path(str(folder / "load.py"))
        logits: Logits = there["logits"](there["load"](), _pixels(original)).numpy()
    return logits


def _recipe(original: Original) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and the description of how to load them, as the student gives them."""
    classes = original.task.classes
    tensors, recipe = exported(original.work.student, original.model, classes)
    return tensors, {**recipe, "classes": list(classes), "input_size": original.steps.size}


def _pixels(original: Original) -> torch.Tensor:
    """The samples as uint8 (n, 3, s, s)."""
    return torch.from_numpy(np.array(original.samples)).permute(0, 3, 1, 2).contiguous()


def _write_json(path: Path, value: object) -> None:
    text = plain_json(json.dumps(value, indent=1, ensure_ascii=False))
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def own_imports(folder: Path) -> Iterator[None]:
    """Modules of a folder are imported from there, whatever else has their names meanwhile."""
    names = [file.stem for file in folder.glob("*.py")]
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)
