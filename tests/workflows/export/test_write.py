"""Students as files: they load without distbench and say what the student says."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import distbench
from distbench.engine.stages.decode import fit
from distbench.engine.training.batches import to_batch
from distbench.errors import RefusedError, UsageError
from distbench.workflows.export import export_forms
from distbench.workflows.export.student import Original
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]
Load = Callable[[RunResult], Original]
CELL = "toy_task:finetune:0"
TIMM = "timm:test_efficientnet:pretrained=false"
TORCHVISION = "torchvision:shufflenet_v2_x0_5:pretrained=false"
_HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
needs_onnx = pytest.mark.skipif(not _HAS_ONNX, reason="needs the extra onnx")


def use(folder: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Runs the code of a card on an image; what it prints: class and share."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), flags=re.S)
    assert code
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    Image.fromarray(picture).save("image.jpg", "PNG")
    before, said = set(sys.modules), io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code[1], {"__name__": "card"})
    for name in {"load", "architecture"} & (set(sys.modules) - before):
        del sys.modules[name]
    Path("image.jpg").unlink()
    lines = (line.rpartition(" ") for line in said.getvalue().splitlines())
    return {name: float(share) for name, _, share in lines}


def judged(student: Original, picture: np.ndarray) -> dict[str, float]:
    """What evaluation would say of an image."""
    stored = fit(picture, student.steps.stored)[None]
    with torch.inference_mode():
        steps = student.steps
        logits = student.model(to_batch(stored, steps.size, torch.device("cpu"), steps.crop))
    return dict(zip(student.task.classes, logits.softmax(1)[0].tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "to", "size"),
    [
        ("toy_student", "torch", 12),
        pytest.param("toy_student", "onnx", 12, marks=needs_onnx),
        ("mini:pretrained=false", "torch", 12),
        (TIMM, "torch", 32),
        (TIMM, "timm", 16),
        (TORCHVISION, "torch", 32),
        pytest.param(TIMM, "onnx", 32, marks=needs_onnx),
    ],
)
def test_the_code_of_the_card_gives_what_evaluation_gives(
    run: Run,
    trained: Load,
    picture: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    student: str,
    to: str,
    size: int,
) -> None:
    made = run(student=student, image_size=size, save_student=True)
    done = export_forms(CELL, [to])[0]
    assert done.folder == Path(f"runs/toy/exports/toy_task-finetune-0-{to}")
    assert done.check.difference <= done.check.allowed / 10
    assert (done.check.images, done.check.equal) == (32, 1.0)
    wanted = judged(trained(made), picture)
    found = use(done.folder.resolve(), picture, monkeypatch)
    assert found == {name: pytest.approx(share, abs=1e-4) for name, share in wanted.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("to", "crop"),
    [
        ("torch", 0.75),  # of 16 pixels 12, which need no other size
        ("torch", 0.5),
        pytest.param("onnx", 0.5, marks=needs_onnx),
        pytest.param("onnx", 0.75, marks=needs_onnx),
    ],
)
def test_a_student_that_saw_the_centre_is_shown_the_centre(
    run: Run,
    trained: Load,
    picture: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    to: str,
    crop: float,
) -> None:
    made = run(crop=crop, save_student=True)
    done = export_forms(CELL, [to])[0]
    folder = done.folder.resolve()
    assert done.check.equal == 1
    wanted = judged(trained(made), picture)
    found = use(folder, picture, monkeypatch)
    assert found == {name: pytest.approx(share, abs=1e-4) for name, share in wanted.items()}
    if to == "torch":
        side = round(16 * crop)
        steps = json.loads((folder / "preprocessing.json").read_text())["steps"]
        assert f"of these the central {side} x {side}" in steps


@pytest.mark.slow
def test_the_card_says_what_matters(run: Run) -> None:
    made = run(distiller="pseudo_labels", save_student=True)
    cell = next(cell for cell in made.plan.cells if "pseudo" in cell.method)
    row = next(row for row in made.rows if row.key == cell.key)
    assert row.result
    folder = export_forms(cell.key[:8], ["torch"], output=Path("out"))[0].folder
    text = (folder / "README.md").read_text()
    for part in (
        f"{100 * row.result.accuracy:.1f} % of 30 test images",
        "`pseudo_labels/weighted/parc`",
        "| `toy-0` |",
        "licence",
        "9 labelled",
        "seed 0",
        "parameters",
        "Checked",
        "Limitations",
        row.key,
    ):
        assert part in text, part
    about = json.loads((folder / "preprocessing.json").read_text())
    assert about["classes"] == ["a", "b", "c"]
    assert (about["stored"], about["size"], about["cell"]) == (16, 12, row.key)
    assert str(Path.cwd()) not in "".join(p.read_text() for p in folder.glob("*.[jm][sd]*"))


def test_names_of_a_stranger_stay_text(run: Run) -> None:
    from distbench.workflows.export.markdown import code, escaped

    assert escaped("<img src=x onerror=alert(1)>\n# a | b") == (
        r"&lt;img src=x onerror=alert(1)\> \# a \| b"
    )
    assert escaped("[x](javascript:1) `y` ![z]") == r"\[x\](javascript:1) \`y\` \!\[z\]"
    assert code("a`b|c\nd") == "`a'b/c d`"


@pytest.mark.slow
def test_weights_that_were_not_kept_are_trained_again_and_are_the_same(run: Run) -> None:
    made = run(save_student=False)
    assert not (distbench.home() / "students").exists()
    lines: list[str] = []
    done = export_forms(CELL, ["torch"], progress=lines.append)[0]
    assert len(lines) == 1 and "training it again, which took" in lines[0]
    assert made.rows[0].result
    kept = next((distbench.home() / "students").glob("*/*.safetensors"))
    again = export_forms(CELL, ["torch"], progress=lines.append)[0]
    assert (len(lines), again.check) == (1, done.check), "now they are kept"
    kept.write_bytes(kept.read_bytes()[:100])
    export_forms(CELL, ["torch"], progress=lines.append)
    assert len(lines) == 2, "damaged ones are made anew"


def test_a_student_that_is_not_that_of_the_run_is_told(run: Run) -> None:
    run()
    file = Path("runs/toy/rows.jsonl")
    row = json.loads(file.read_text())
    row["result"]["student_digest"] = "0" * 64
    del row["sha256"]  # as an older distbench wrote it
    file.write_text(json.dumps(row) + "\n")
    for stored in (distbench.home() / "cells").glob("*/*.json"):
        stored.unlink()
    lines: list[str] = []
    export_forms(CELL, ["torch"], progress=lines.append)
    assert "not bit-equal to that of the run" in lines[-1]


@needs_onnx
@pytest.mark.slow
def test_onnx_takes_any_batch_and_carries_what_it_needs(run: Run, trained: Load) -> None:
    import onnx
    import onnxruntime

    student = trained(run(save_student=True))
    folder = export_forms(CELL, ["onnx"])[0].folder
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "load.py", "model.onnx", "preprocessing.json",
    ]  # fmt: skip
    model = onnx.load(folder / "model.onnx")
    entry = model.graph.input[0]
    assert (entry.name, entry.type.tensor_type.elem_type) == ("pixels", onnx.TensorProto.UINT8)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    for batch in (1, 2, 5):
        stored = student.samples[:batch]
        given = np.ascontiguousarray(stored.transpose(0, 3, 1, 2))
        wanted = student.model(to_batch(stored, 12, torch.device("cpu"))).detach().numpy()
        assert np.allclose(session.run(None, {"pixels": given})[0], wanted, atol=1e-5)
    held = session.get_modelmeta().custom_metadata_map
    assert json.loads(held["classes"]) == ["a", "b", "c"]


@pytest.mark.slow
def test_timm_reads_its_folder(run: Run) -> None:
    import timm

    run(student=TIMM, image_size=32, save_student=True)
    folder = export_forms(CELL, ["timm"], output=Path("shipped"))[0].folder
    model = timm.create_model(f"local-dir:{folder.resolve()}", pretrained=True)
    assert model.pretrained_cfg["label_names"] == ["a", "b", "c"]
    assert tuple(model.pretrained_cfg["input_size"]) == (3, 32, 32)
    with pytest.raises(UsageError, match=r"student toy_student is no model of timm's registry"):
        run(name="other")
        export_forms(CELL, ["timm"], run=Path("other"))
    assert not list(Path("runs/other/exports").iterdir()), "nothing half-written"


def test_what_differs_is_not_left(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run(save_student=True)
    from distbench.workflows.export.forms import torch_files

    recipe = torch_files._recipe

    def wrong(student: Original) -> Any:
        tensors, told = recipe(student)
        return {**tensors, "head.bias": tensors["head.bias"] + 0.01}, told

    monkeypatch.setattr(torch_files, "_recipe", wrong)
    with pytest.raises(RefusedError, match=r"is not the student: .* at most 0\.01 .*Nothing was"):
        export_forms(CELL, ["torch"], output=Path("out"))
    assert not Path("out").exists()
    assert not list(Path().glob(".tmp-*"))


def test_only_an_export_of_the_same_cell_is_replaced(run: Run) -> None:
    made = run(task=("toy_task", "toy_task:hue=0.5"), save_student=True)
    mine, other = Path("mine"), Path("other")
    mine.mkdir()
    export_forms(CELL, ["torch"], output=mine)
    (mine / "README.md").write_text("old")
    export_forms(CELL, ["torch"], output=mine)
    assert (mine / "README.md").read_text() != "old"
    assert not list(Path().glob(".tmp-*"))
    with pytest.raises(UsageError, match="mine exists and is no export of this cell"):
        export_forms(made.plan.cells[1].id, ["torch"], output=mine)
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="other exists and is no export of this cell"):
        export_forms(CELL, ["torch"], output=other)
    assert (other / "thesis.tex").read_text() == "years of work"


def test_cells_without_a_student_are_told(run: Run) -> None:
    run(baseline="peeker")
    with pytest.raises(UsageError, match=r"was declined, so it has no student: has seen enough"):
        export_forms("toy_task:peeker:0", ["torch"])
    run(baseline="misbehaving")
    with pytest.raises(distbench.DistbenchError, match="phases: RuntimeError: on purpose"):
        export_forms("toy_task:misbehaving:0", ["torch"])
    with pytest.raises(
        UsageError,
        match="unknown format 'tflite'; formats are onnx, onnx-fp16, onnx-int8, torch, timm, pt2",
    ):
        export_forms("toy_task:misbehaving:0", ["tflite"])


def test_a_missing_extra_is_told_before_anything(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "distbench.workflows.export.formats.find_spec",
        lambda name: None if name == "onnxscript" else find(name),
    )
    with pytest.raises(UsageError, match=r"'onnxscript'.*pip install 'distbench\[onnx\]'"):
        export_forms(CELL, ["onnx"])
    assert not (distbench.home() / "students").exists()


def test_a_run_ships_by_the_same_way(run: Run) -> None:
    made = run(save_student=True, baseline=("finetune", "scratch"))
    folder = Path("runs/toy/students/toy_task")
    assert made.students == {"toy_task": folder / "model.safetensors"}
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "architecture.py", "load.py", "model.json", "model.safetensors",
        "preprocessing.json",
    ]  # fmt: skip
    stamp = (folder / "README.md").stat().st_mtime_ns
    run(save_student=True, baseline=("finetune", "scratch"))
    assert (folder / "README.md").stat().st_mtime_ns == stamp, "written once"
