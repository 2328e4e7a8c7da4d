"""Students under other heads, and judged by several views, as files without distbench."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench.errors import UsageError
from distbench.workflows.export import export_forms
from distbench.workflows.export.student import Original
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]
Load = Callable[..., Original]
TIMM = "timm:test_efficientnet:pretrained=false"
TORCHVISION = "torchvision:shufflenet_v2_x0_5:pretrained=false"
MINI = "mini:pretrained=false"
SQUEEZE = "torchvision:squeezenet1_1:pretrained=false"
_HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
needs_onnx = pytest.mark.skipif(not _HAS_ONNX, reason="needs the extra onnx")


def told(folders: list[Path]) -> list[np.ndarray]:
    """Logits of the samples by each `load.py`, in a process that cannot import distbench."""
    code = (
        "import os, runpy, sys\n"
        "sys.modules['distbench'] = sys.modules['distbench_builtin'] = None\n"
        "import numpy, torch\n"
        "for folder in sys.argv[1:]:\n"
        "    os.chdir(folder)\n"
        "    sys.path.insert(0, folder)\n"
        "    there = runpy.run_path('load.py')\n"
        "    pixels = torch.from_numpy(numpy.load('pixels.npy'))\n"
        "    numpy.save('logits.npy', there['logits'](there['load'](), pixels).numpy())\n"
        "    sys.path.remove(folder)\n"
        "    sys.modules.pop('architecture', None)\n"
    )
    given = [str(folder.absolute()) for folder in folders]
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [np.load(folder / "logits.npy") for folder in folders]


OF_MINI = (
    "head_finetune",
    "head_finetune:mlp:hidden=16",
    "head_finetune:prototype",
    "view_averaging",
)
HEADED = [
    (MINI, 12, OF_MINI),
    (TIMM, 32, ("head_finetune", "logit_adjusted", "view_averaging:crops=false,mean=logits")),
    (TORCHVISION, 32, ("head_finetune",)),
    (SQUEEZE, 32, ("head_finetune:mlp:hidden=16",)),
]


@pytest.mark.slow
def test_torch_needs_no_distbench(run: Run, trained: Load) -> None:
    folders: list[Path] = []
    wanted = []
    for student, size, methods in HEADED:
        made = run(student=student, image_size=size, baseline=methods, save_student=True)
        assert len(made.plan.cells) == len(methods)
        for number, cell in enumerate(made.plan.cells):
            to = Path(f"out-{len(folders)}")
            folders.append(export_forms(cell.id, ["torch"], output=to)[0].folder)
            original = trained(made, number)
            np.save(folders[-1] / "pixels.npy", original.samples.transpose(0, 3, 1, 2))
            wanted.append(original.logits())
    for found, logits in zip(told(folders), wanted, strict=True):
        assert np.allclose(found, logits, atol=1e-4 * max(1.0, abs(logits).max()))


@pytest.mark.slow
@needs_onnx
@pytest.mark.parametrize(
    "method", ["head_finetune", "head_finetune:mlp:hidden=16", "view_averaging"]
)
def test_onnx_is_the_whole_student(run: Run, trained: Load, method: str) -> None:
    import onnxruntime

    made = run(baseline=method, save_student=True)
    done = export_forms(made.plan.cells[0].id, ["onnx"], output=Path("out"))[0]
    assert done.check.equal == 1
    original = trained(made)
    session = onnxruntime.InferenceSession(done.folder / "model.onnx")
    pixels = np.ascontiguousarray(original.samples.transpose(0, 3, 1, 2))
    assert np.allclose(session.run(None, {"pixels": pixels})[0], original.logits(), atol=1e-4)


@pytest.mark.slow
def test_timm_takes_what_a_linear_layer_stands_in_for(run: Run) -> None:
    methods = ("head_finetune:prototype", "head_finetune", "view_averaging")
    made = run(student=TIMM, image_size=32, baseline=methods, save_student=True)
    prototype, cosine, views = (cell.id for cell in made.plan.cells)
    done = export_forms(prototype, ["timm"], output=Path("prototype"))[0]
    assert done.check.equal == 1
    with pytest.raises(
        UsageError, match=r"under a CosineHead is no model of timm's.*--to torch or"
    ):
        export_forms(cosine, ["timm"], output=Path("cosine"))
    card = (export_forms(views, ["timm"], output=Path("views"))[0].folder / "README.md").read_text()
    assert "The files here see one view" in card
    assert "the mean probabilities over 7 views of each image (plain, flip, centre," in card
    card = (export_forms(views, ["torch"], output=Path("all"))[0].folder / "README.md").read_text()
    assert "and so do the files here: an image goes 7 times through it" in card
    assert json.loads(Path("all", "model.json").read_text())["views"][:2] == ["plain", "flip"]


PLUGIN = """
import torch
from distbench import Baseline, Inference
from distbench_builtin.baselines.finetune import FineTune

class Doubled(torch.nn.Linear):
    def forward(self, x): return 2 * super().forward(x).relu()

class Own(FineTune):
    "Fine-tuning under a head, and by a view, that have no name. Ours."
    head: bool = False
    def build_head(self, d, c): return Doubled(d, c) if self.head else None
    def inference(self, context, student):
        return Inference(views=["plain", lambda images: 1 - images])
"""


@pytest.mark.slow
def test_what_is_a_plugins_own(run: Run, tmp_path: Path, toy_options: Any) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    files = (*toy_options["plugin"], tmp_path / "own.py")
    made = run(baseline=("own", "own:head=true"), plugin=files, save_student=True)
    viewed, headed = (cell.id for cell in made.plan.cells)
    folder = export_forms(viewed, ["torch"], output=Path("viewed"))[0].folder
    assert "over 2 views of each image (plain, own). **The files here see one view**" in (
        (folder / "README.md").read_text()
    )
    with pytest.raises(UsageError, match="the head Doubled is a plugin's own, so only --to onnx"):
        export_forms(headed, ["torch"], output=Path("headed"))


@pytest.mark.slow
@needs_onnx
def test_the_head_of_a_plugin_goes_into_the_graph(
    run: Run, tmp_path: Path, toy_options: Any
) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    files = (*toy_options["plugin"], tmp_path / "own.py")
    made = run(baseline="own:head=true", plugin=files, save_student=True)
    assert export_forms(made.plan.cells[0].id, ["onnx"], output=Path("out"))[0].check.equal == 1
