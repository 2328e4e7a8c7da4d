"""Forms for deployment: 16 and 8 bits, images of any size, programs; each as its card says."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import RefusedError, UsageError
from distbench.workflows.export import export_forms
from distbench.workflows.export.compare import compare
from distbench.workflows.export.fit import fit
from distbench.workflows.export.forms.program_file import _foreign
from distbench.workflows.export.opened import open_model
from distbench.workflows.export.preprocessing import Preprocessing
from distbench.workflows.export.student import Original
from distbench.workflows.predict.predict import predict
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]
Load = Callable[..., Original]
CELL = "toy_task:finetune:0"
NONE = (0.0, 0.0, 0.0)
_HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
needs_onnx = pytest.mark.skipif(not _HAS_ONNX, reason="needs the extra onnx")


def session(folder: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


@needs_onnx
@pytest.mark.slow
def test_fewer_bits_keep_inputs_and_outputs_and_say_what_they_lose(run: Run, trained: Load) -> None:
    import onnx

    student = trained(run(save_student=True))
    forms = ["onnx", "onnx-fp16", "onnx-int8"]
    done = export_forms(CELL, forms, output=Path("out"))
    assert [one.folder for one in done] == [Path("out", form) for form in forms]
    test = student.work.images(student.task)
    for one in done:
        ((name, kind),) = [(e.name, e.type) for e in session(one.folder).get_inputs()]
        assert (name, kind) == ("pixels", "tensor(uint8)")
        assert session(one.folder).get_outputs()[0].type == "tensor(float)"
        assert b"site-packages" not in (one.folder / "model.onnx").read_bytes(), "of this machine"
        right = open_model(one.folder).logits(list(test.test)).argmax(1) == test.test_labels
        held = one.accuracy if one.loss is None else one.loss.after
        assert held == pytest.approx(right.mean())
        card = (one.folder / "README.md").read_text()
        assert f"weights | {one.footprint.size / 1e6:.2f} MB" in card
        assert "one image, 1 thread |" in card and one.footprint.processor.split()[0] in card
        assert ("| accuracy of the files here |" in card) == (one.to != "onnx")
    kinds = {
        one.to: {node.op_type for node in onnx.load(one.folder / "model.onnx").graph.node}
        for one in done
    }
    assert "QuantizeLinear" in kinds["onnx-int8"] - kinds["onnx"]
    half = onnx.load(done[1].folder / "model.onnx").graph.initializer
    assert {t.data_type for t in half} >= {onnx.TensorProto.FLOAT16}
    assert done[0].loss is None and done[1].loss and done[1].loss.images == 30
    assert "scales are of 54 images" in (done[2].folder / "README.md").read_text()


@needs_onnx
@pytest.mark.parametrize(
    ("size", "most"),
    [
        *(((37, 50), 1), ((96, 120), 1), ((333, 7), 1), ((16, 16), 0), ((16, 40), 0)),
        *(((427, 640), 1), ((1000, 1501), 1), ((9, 200), 2), ((8, 8), 2)),
    ],
)
def test_a_graph_makes_the_square_of_an_image(size: tuple[int, int], most: int) -> None:
    import onnxruntime

    from distbench.workflows.export.forms.onnx_front import square_graph

    graph = square_graph(Preprocessing(16, 16, NONE, NONE)).SerializeToString()
    made = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    (square,) = made.run(["pixels"], {"image": image})[0]
    wanted = fit(Image.fromarray(image), 16).transpose(2, 0, 1)
    differ = np.abs(square.astype(int) - wanted)
    assert differ.max() <= most
    assert (differ > 0).mean() < 0.03


@needs_onnx
@pytest.mark.slow
def test_images_of_any_size_are_classified_whole(
    run: Run, trained: Load, tmp_path: Path, picture: np.ndarray
) -> None:
    student = trained(run(save_student=True))
    done = CliRunner().invoke(
        app,
        ["export", CELL, "--to", "onnx", "--whole-image", "--output", "whole"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert re.search(r"\d of 30 differ: \d now wrong, \d now right", done.stdout)
    for number, image in enumerate((picture, picture[:20], picture[:16, :16])):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    Image.new("RGB", (4000, 2)).save(tmp_path / "strip.png")
    model = open_model(Path("whole"))
    assert model.whole
    with Image.open(tmp_path / "0.png") as image:
        seen = model.see(image)
    assert seen.shape == picture.shape
    with Image.open(tmp_path / "strip.png") as strip:
        assert model.see(strip).shape == (16, 16, 3), "of a strip only the centre"
    (found,) = model.logits([seen])
    (wanted,) = student.logits(fit(Image.fromarray(picture), 16)[None])
    assert np.allclose(found, wanted, atol=0.05)
    assert predict(Path("whole"), [str(tmp_path / "*.png")]).images == 4


@pytest.mark.slow
def test_a_program_runs_in_a_process_of_its_own(run: Run, trained: Load) -> None:
    student = trained(run(save_student=True))
    (done,) = export_forms(CELL, ["pt2"], output=Path("program"))
    assert done.check.allowed and done.check.difference <= done.check.allowed / 10
    with zipfile.ZipFile("program/model.pt2") as held:
        assert b".py" not in b"".join(map(held.read, held.namelist())), "places of this machine"
    np.save("pixels.npy", student.samples.transpose(0, 3, 1, 2))
    code = (
        "import sys; sys.modules['distbench'] = None\n"
        "import numpy, torch\n"
        "pixels = torch.from_numpy(numpy.load('pixels.npy'))\n"
        "model = torch.export.load('program/model.pt2').module()\n"
        "parts = [model(pixels[:1]), model(pixels[1:4]), model(pixels[4:])]\n"
        "numpy.save('logits.npy', torch.cat(parts).detach().numpy())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert np.allclose(np.load("logits.npy"), student.logits(), atol=1e-4)


def test_operations_of_a_library_are_none_of_torch() -> None:
    @torch.library.custom_op("toys_of_forms::double", mutates_args=())
    def double(x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    double.register_fake(torch.empty_like)

    class Doubling(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(double(x))

    program = torch.export.export(Doubling(), (torch.ones(2),)).run_decompositions()
    assert _foreign(program) == ["toys_of_forms.double.default"]


def test_what_cannot_be_made_leaves_nothing(run: Run) -> None:
    run(save_student=True)
    with pytest.raises(UsageError, match="no model of timm's registry"):
        export_forms(CELL, ["torch", "timm"], output=Path("both"))
    assert list(Path("both").iterdir()) == []
    with pytest.raises(UsageError, match=r"--whole-image is for onnx, .*--to torch takes the"):
        export_forms(CELL, ["torch"], whole=True)
    with pytest.raises(UsageError, match="--to torch is given twice"):
        export_forms(CELL, ["torch", "torch"])
    with pytest.raises(UsageError, match=r"unknown format 'onnx-int4'.*Did you mean 'onnx-int8'"):
        export_forms(CELL, ["torch", "onnx-int4"])


def test_a_form_that_lost_the_student_is_refused() -> None:
    logits = np.eye(4, dtype=np.float32)
    close = compare(logits, logits + 0.3, "it", exact=False)
    assert (close.allowed, close.equal) == (None, 1.0)
    for lost in (np.roll(logits, 1, axis=1), np.full_like(logits, np.nan)):
        with pytest.raises(RefusedError, match=r"loses too much by its fewer bits.*use --to onnx"):
            compare(logits, lost, "it", exact=False)


@needs_onnx
@pytest.mark.slow
def test_code_of_an_onnx_export_has_the_manners_of_predict(run: Run, picture: np.ndarray) -> None:
    run(save_student=True)
    (done,) = export_forms(CELL, ["onnx"], output=Path("shipped"))
    Path("photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(picture).save(Path("photos", name))
    Path("photos/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    command = [sys.executable, "-I", "shipped/load.py", "photos", "photos/*.png", "gone.png"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 1
    names = [line.split("\t")[0] for line in shown.stdout.splitlines()]
    assert names == [f"photos/{name}.png" for name in "abab"]
    assert "cannot read photos/broken.jpg" in shown.stderr
    assert "cannot read gone.png" in shown.stderr
    answers = [answered(done.folder, Path("photos/a.png")), shown.stdout.splitlines()[0]]
    assert answers[0][0]["class"] == answers[1].split("\t")[1].split()[0]


def answered(folder: Path, image: Path) -> list[dict[str, Any]]:
    """What the server of the documentation answers, in the folder of an export."""
    page = (Path(__file__).parents[3] / "docs/export.md").read_text()
    code = re.search(r"```python\n(# serve\.py.*?)```", page, flags=re.S)
    assert code
    (folder / "serve.py").write_text(code[1])
    command = [sys.executable, "serve.py", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            address = served.stdout.readline().split()[-1]
            for wrong in (b"no image", b""):
                with pytest.raises(urllib.error.HTTPError, match="400") as refused:
                    urllib.request.urlopen(urllib.request.Request(address, wrong), timeout=60)
                refused.value.close()
            with urllib.request.urlopen(address, image.read_bytes(), timeout=60) as answer:
                found: list[dict[str, Any]] = json.loads(answer.read())
            return found
        finally:
            served.kill()
