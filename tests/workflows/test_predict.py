"""Predictions by an exported student: those of the leaderboard, whatever form, whatever files."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.engine.workspace import Workspace
from distbench.errors import DataError, UsageError
from distbench.storage.image_files import HEIF_SUFFIXES, IMAGE_FORMATS, IMAGE_SUFFIXES
from distbench.workflows.export import export_forms
from distbench.workflows.export.opened import Model
from distbench.workflows.predict.evaluation import evaluate
from distbench.workflows.predict.inputs import Columns, gather
from distbench.workflows.predict.pipeline import answers
from distbench.workflows.predict.predict import predict

TIMM = "timm:test_efficientnet:pretrained=false"
_HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))


def brightness(squares: Sequence[np.ndarray]) -> np.ndarray:
    """Logits of classes dark and bright."""
    value = np.array([square.mean() for square in squares]) / 255 - 0.5
    return np.stack([-value, value], axis=1)


BRIGHT = Model("toy", ("dark", "bright"), 8, 16, None, brightness)
SEVERAL = Model("toy", ("dark", "bright"), 8, 16, 0.5, brightness)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two class folders with four images each, one of which is in the wrong one, and a broken."""
    root = tmp_path / "photos"
    for name, value in (("dark", 20), ("bright", 230)):
        (root / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (20, 12), (value,) * 3).save(root / name / f"{number}.png")
    Image.new("RGB", (9, 9), (250,) * 3).save(root / "dark" / "3.png")
    (root / "bright" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (root / "bright" / "notes.txt").write_text("no image")
    return root


def without_torch(folder: Path, images: Path) -> list[str]:
    """What is predicted where torch is not installed."""
    code = (
        "import sys; sys.modules['torch'] = None; from distbench.cli import main; "
        f"sys.argv[1:] = ['predict', {str(folder)!r}, {str(images)!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [line.split(",")[1] for line in done.stdout.splitlines()[1:]]


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "distbench.workflows.predict.predict.open_model", lambda path, threads: BRIGHT
    )


@pytest.mark.slow
@pytest.mark.parametrize("student", ["mini:pretrained=false", TIMM])
def test_every_form_predicts_what_the_leaderboard_counted(
    toy_options: dict[str, Any], tmp_path: Path, student: str
) -> None:
    made = distbench.run(
        **{
            **toy_options,
            "task": ("toy_task",),
            "distiller": "none",
            "baseline": "finetune",
            "image_size": 32 if student == TIMM else 12,
            "student": student,
            "save_student": True,
        }
    )
    task = made.plan.tasks[0]
    for number, image in enumerate(Workspace(made.plan, distbench.home()).images(task).test):
        Image.fromarray(np.array(image)).save(tmp_path / f"{number:03d}.png")
    (kept,) = load_file(made.folder / "predictions.safetensors").values()
    wanted = [task.classes[number] for number in kept]
    forms = ["torch", "pt2", *(["timm"] if student == TIMM else []), *(["onnx"] * _HAS_ONNX)]
    for form, done_form in zip(forms, export_forms("toy_task:finetune:0", forms), strict=True):
        folder = done_form.folder
        out = tmp_path / f"{form}.csv"
        done = predict(folder, [str(tmp_path / "*.png")], output=out, batch=7)
        assert (done.images, done.unreadable, done.evaluation) == (len(wanted), {}, None)
        assert list(pd.read_csv(out)["predicted"]) == wanted, form
        if form == "onnx":
            assert without_torch(folder, tmp_path) == wanted
    shipped = subprocess.run(
        [sys.executable, "-I", made.students["toy_task"].with_name("load.py"), tmp_path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line.split("\t")[1].split()[0] for line in shipped.stdout.splitlines()] == wanted


def test_files_that_cannot_be_read_are_named_and_the_others_kept(
    photos: Path, bright: None
) -> None:
    out = photos.parent / "out.csv"
    result = CliRunner().invoke(app, ["predict", "m", str(photos), "--output", str(out)])
    assert result.exit_code == 1
    assert "broken.jpg': not an image in" in result.output
    assert "8 images predicted in" in result.output and "1 could not be read" in result.output
    table = pd.read_csv(out)
    assert [Path(p).name for p in table["image"]] == [f"{n}.png" for n in range(4)] * 2
    assert list(table["predicted"]) == ["bright"] * 4 + ["dark"] * 3 + ["bright"]
    assert list(photos.parent.glob(".tmp-*")) == []
    with pytest.raises(DataError, match=r"none of the 1 images can be read: .*broken\.jpg"):
        predict(Path("m"), [str(photos / "bright/broken.jpg")], output=out)
    assert len(pd.read_csv(out)) == 8, "what was there before is kept"


def test_photographs_of_phones_are_read_or_named(
    photos: Path, bright: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    heif = pytest.importorskip("pillow_heif", reason="needs pillow-heif")
    phone = photos / "IMG_1.HEIC"
    heif.from_pillow(Image.new("RGB", (40, 30), (240,) * 3)).save(phone)
    out = photos.parent / "out.csv"
    assert predict(Path("m"), [str(phone)], output=out).unreadable == {}
    assert list(pd.read_csv(out)["predicted"]) == ["bright"]
    pipeline = "distbench.workflows.predict.pipeline"
    monkeypatch.setattr(f"{pipeline}.IMAGE_SUFFIXES", IMAGE_SUFFIXES - HEIF_SUFFIXES)
    monkeypatch.setattr(f"{pipeline}.IMAGE_FORMATS", IMAGE_FORMATS[:-1])
    with pytest.raises(DataError, match=r"IMG_1.*are read once pillow-heif is installed"):
        predict(Path("m"), [str(phone)], output=out)


def test_all_formats_say_the_same(photos: Path, bright: None) -> None:
    given, tables = [str(photos / "dark")], {}
    for form in ("csv", "jsonl", "parquet"):
        out = photos.parent / f"out.{form}"
        predict(Path("m"), given, output=out, top=5)
        tables[form] = out
    csv, parquet = pd.read_csv(tables["csv"]), pd.read_parquet(tables["parquet"])
    lines = [json.loads(line) for line in tables["jsonl"].read_text().splitlines()]
    assert list(csv["class_1"]) == list(parquet["class_1"]) == [x["top"][0]["class"] for x in lines]
    assert list(csv.columns) == list(parquet.columns)
    assert np.allclose(csv["probability_2"], parquet["probability_2"], atol=1e-6)
    assert np.allclose(parquet["probability_1"] + parquet["probability_2"], 1)
    with pytest.raises(UsageError, match="its suffix says no format"):
        predict(Path("m"), given, output=photos.parent / "out.xlsx")


def test_answers_are_judged_by_folders_and_by_tables(photos: Path, bright: None) -> None:
    result = CliRunner().invoke(app, ["predict", "m", str(photos), "--evaluate", "--json"])
    said = json.loads(result.stdout)
    assert result.exit_code == 1
    assert said["evaluation"]["accuracy"] == 7 / 8
    assert said["evaluation"]["confusion"] == [[3, 1], [0, 4]]
    assert said["evaluation"]["low"] < 7 / 8 < said["evaluation"]["high"]
    assert [Path(one["image"]).name for one in said["wrong"]] == ["3.png"]
    shown = CliRunner().invoke(app, ["predict", "m", str(photos), "--evaluate"]).stdout
    assert "accuracy: 87.5 % of 8 images (95 % interval" in shown
    assert "image,predicted" not in shown
    table = photos / "labels.csv"
    table.write_text("file;class\ndark/0.png;Dark\nbright/1.png;dark\nbright/gone.png;bright\n")
    done = predict(Path("m"), [str(table)], labelled=True)
    assert done.evaluation and done.evaluation.accuracy == 0.5
    assert [Path(name).name for name in done.unreadable] == ["gone.png"]


def test_what_is_not_there_or_no_class_is_told(photos: Path) -> None:
    no = Columns()
    with pytest.raises(UsageError, match=r"does not exist\. Did you mean 'photos'"):
        gather([str(photos) + "s"], BRIGHT, labelled=False, columns=no)
    with pytest.raises(UsageError, match="no image fits the pattern"):
        gather([str(photos / "*.gif")], BRIGHT, labelled=False, columns=no)
    (photos / "dark").rename(photos / "drak")
    with pytest.raises(UsageError, match=r"no class of the model: 'drak' \(4\).*'dark'"):
        gather([str(photos)], BRIGHT, labelled=True, columns=no)
    with pytest.raises(UsageError, match="no image has a known class"):
        gather([str(photos / "drak")], BRIGHT, labelled=True, columns=no)
    table = photos / "t.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"--path-column; there are a, b"):
        gather([str(table)], BRIGHT, labelled=False, columns=no)
    with pytest.raises(UsageError, match=r"no column 'c' \(--label-column\)"):
        gather([str(table)], BRIGHT, labelled=True, columns=Columns("a", "c"))


def test_several_classes_of_an_image(photos: Path) -> None:
    table = photos / "t.csv"
    table.write_text("image,labels\na.png,dark|bright\nb.png,|\nc.png,\n")
    items = gather([str(table)], SEVERAL, labelled=True, columns=Columns())
    assert [item.labels for item in items] == [(0, 1), (), None]
    table.write_text("image,dark,bright\na.png,1,0\nb.png,0,0\n")
    items = gather([str(table)], SEVERAL, labelled=True, columns=Columns())
    assert [item.labels for item in items] == [(0,), ()]
    judged = evaluate([(0,), (1,), ()], [(0,), (), ()], ("dark", "bright"), several=True)
    assert judged.accuracy == pytest.approx(2 / 3)
    assert judged.confusion == ((1, 0, 0, 2), (0, 0, 1, 2))
    assert (judged.classes[1].recall, judged.classes[1].precision) == (None, 0.0)


def test_few_batches_are_in_memory(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    from distbench.workflows.predict import pipeline

    seen: Callable[..., Any] = pipeline._seen
    monkeypatch.setattr(
        pipeline, "_seen", lambda item, model: (begun.append(item), seen(item, model))[1]
    )
    items = gather([str(photos / "dark")] * 50, BRIGHT, labelled=False, columns=Columns())
    stream = answers(BRIGHT, items, workers=2, batch=4)
    assert len(next(stream)) == 4
    assert len(begun) <= 4 * 4
    assert sum(map(len, stream)) == len(items) - 4
