"""Results as data frames: `distbench.load`, and the rows of a run as Parquet."""

from __future__ import annotations

import ast
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow.parquet import read_schema

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.errors import RefusedError, UsageError
from distbench.storage import atomic
from distbench.submission.publish import submit
from distbench.workflows.results.load import LOADED
from distbench.workflows.results.row_columns import COLUMNS, row_values
from distbench.workflows.results.row_table import ROWS_DIGEST, is_of
from distbench.workflows.run_result import RunResult

ROOT = Path(__file__).resolve().parents[2]
WHO = {"submitter": "Ada Lovelace", "licence": "CC-BY-4.0"}
OWN = ["method", "task", "seed", "key", "origin"]


@pytest.fixture
def result(toy_options: dict[str, Any]) -> RunResult:
    """A run of two methods on two tasks; one of the methods learns from sources."""
    some = {"baseline": ("finetune",), "distiller": ("pseudo_labels",), "strategy": "weighted"}
    return distbench.run(**{**toy_options, **some})


def test_a_run_is_four_frames(result: RunResult) -> None:
    loaded = distbench.load(result.folder)
    assert list(loaded.rows.columns) == [column.name for column in LOADED]
    assert loaded.rows["accuracy"].tolist() == [r.result.accuracy for r in result.rows if r.result]
    assert set(loaded.rows["origin"]) == {str(result.folder)}
    assert loaded.rows["submitter"].isna().all() and loaded.notes == ()

    right = loaded.predictions.assign(right=lambda f: f["prediction"] == f["label"])
    shares = right.groupby("key", observed=True)["right"].mean()
    assert shares.to_dict() == pytest.approx(loaded.rows.set_index("key")["accuracy"].to_dict())
    row = result.rows[0]
    kept = result.probabilities(row)
    assert kept is not None
    given = loaded.predictions[loaded.predictions["key"] == row.key]
    assert given["probability"].to_numpy() == pytest.approx(kept.max(axis=1))
    assert given["image"].tolist() == list(range(len(kept))) and given["class"].isna().all()

    weighed = next(r for r in result.rows if r.result and r.result.sources.weights)
    assert weighed.result is not None
    weights = loaded.weights[loaded.weights["key"] == weighed.key].set_index("source")
    assert weights["weight"].to_dict() == weighed.result.sources.weights
    assert weights["score"].to_dict() == weighed.result.sources.scores
    curve = loaded.curves[loaded.curves["key"] == weighed.key]
    assert list(zip(curve["step"], curve["loss"], strict=True)) == [
        (point.step, point.loss) for point in weighed.result.curve
    ]
    for frame in (loaded.predictions, loaded.weights, loaded.curves):
        assert list(frame.columns[:5]) == OWN
    assert "pseudo_labels/weighted/parc" in repr(loaded)
    assert loaded._repr_html_().startswith("<table")


def test_a_bundle_says_the_same_as_its_run_but_for_the_machine(result: RunResult) -> None:
    bundle = submit(open_run(result.folder), output=Path(), **WHO)[0]
    run, submitted = distbench.load(result.folder), distbench.load(bundle)
    differ = ["origin", "submitter", "host"]
    same = [c for c in run.rows if c not in differ and run.rows[c].equals(submitted.rows[c])]
    assert {"accuracy", "key", "protocol", "total_seconds", "components"} <= set(same)
    assert set(submitted.rows["submitter"]) == {"Ada Lovelace"}
    assert submitted.rows["host"].isna().all()
    for name in ("prediction", "probability"):
        assert submitted.predictions[name].equals(run.predictions[name])
    assert any("not held against labels" in note for note in submitted.notes)
    both = distbench.load("runs", bundle)
    assert len(both) == 8 and both.rows["origin"].nunique() == 2


def test_facts_of_the_protocol_that_differ_have_columns(
    result: RunResult, toy_options: dict[str, Any]
) -> None:
    options = {**toy_options, "steps": 5, "name": "longer", "baseline": ("finetune",)}
    distbench.run(**{**options, "distiller": ("none",)})
    rows = distbench.load("runs").rows
    assert list(rows.columns[len(LOADED) :]) == ["protocol_steps"]
    assert rows.groupby("origin")["protocol_steps"].unique().map(list).to_dict() == {
        "runs/longer": [5],
        "runs/toy": [4],
    }


def test_the_rows_alone_are_read_and_what_is_missing_is_said(
    result: RunResult, tmp_path: Path
) -> None:
    assert distbench.load(result.folder / "rows.jsonl").notes == ()
    alone = tmp_path / "rows.jsonl"
    shutil.copy(result.folder / "rows.jsonl", alone)
    loaded = distbench.load(alone)
    assert loaded.rows["key"].tolist() == [row.key for row in result.rows]
    assert len(loaded.predictions) == 0 and list(loaded.predictions.columns[:5]) == OWN
    assert any("no plan.json" in note for note in loaded.notes)
    assert any("predictions of 4 of 4" in note for note in loaded.notes)


def test_what_is_none_of_these_is_refused_with_a_reason(result: RunResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file or folder 'runs/none'"):
        distbench.load("runs/none")
    with pytest.raises(UsageError, match="nothing is named"):
        distbench.load()
    (tmp_path / "empty").mkdir()
    with pytest.raises(RefusedError, match="holds no run"):
        distbench.load(tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("no")
    with pytest.raises(RefusedError, match="neither a run's folder, nor its rows"):
        distbench.load(tmp_path / "notes.txt")
    bad = tmp_path / "registry" / "bad.distbench.zip"
    bad.parent.mkdir()
    bad.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(RefusedError, match="no ZIP file"):
        distbench.load(bad)
    submit(open_run(result.folder), output=bad.parent, **WHO)
    loaded = distbench.load(bad.parent)
    assert len(loaded) == 4 and loaded.notes[0].startswith("left out: ")
    assert "bad.distbench.zip" in loaded._repr_html_()
    file = result.folder / "rows.jsonl"
    file.write_text(file.read_text().replace('"seed":0', '"seed":1', 1))
    with pytest.raises(RefusedError, match=r"line 1 of rows\.jsonl is no row: it was altered"):
        distbench.load(result.folder)


def test_rows_are_kept_as_parquet_too(result: RunResult) -> None:
    file = result.folder / "rows.parquet"
    back = pd.read_parquet(file)
    assert list(back.columns) == [column.name for column in COLUMNS]
    pd.testing.assert_frame_equal(back, distbench.load(result.folder).rows[list(back.columns)])
    for row, line in zip(result.rows, back.to_dict("records"), strict=True):
        for name, value in row_values(row).items():
            missing = value is None and pd.isna(line[name])
            assert missing or line[name] == value, name
    digest = hashlib.sha256((result.folder / "rows.jsonl").read_bytes()).hexdigest()
    assert read_schema(file).metadata[ROWS_DIGEST] == digest.encode()
    assert is_of(file, result.folder / "rows.jsonl")


def test_parquet_never_lies_beside_other_rows(
    result: RunResult, toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after any of the writes, it is gone or of the rows that are there."""
    file, rows = result.folder / "rows.parquet", result.folder / "rows.jsonl"
    replacing, writes = atomic.replacing, []

    def until_rows(path: Path) -> Any:
        writes.append(Path(path).name)
        if Path(path).name == "rows.jsonl":
            raise OSError(28, "No space left on device")
        return replacing(path)

    options = {**toy_options, "distiller": ("none",), "baseline": ("finetune", "scratch")}
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "replacing", until_rows)
        with pytest.raises(distbench.DistbenchError):
            distbench.run(**options)
    assert "rows.jsonl" in writes
    assert not file.exists() and rows.exists()
    distbench.run(**options)
    assert is_of(file, rows) and len(pd.read_parquet(file)) == 4
    rows.write_text(rows.read_text() + "\n")
    assert not is_of(file, rows)


def test_the_columns_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "data.md").read_text()
    for column in LOADED:
        assert f"| `{column.name}` | {column.type} |" in page, column.name
        assert column.type in ("text", "integer", "number"), column.name
    assert len({column.name for column in LOADED}) == len(LOADED)


@pytest.mark.slow
def test_what_the_page_shows_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), flags=re.S)
    frames = [evaluated(block) for block in blocks]
    means, agreement = frames
    assert means.between(0, 1).all() and "finetune" in means.index
    assert np.allclose(np.diag(agreement), 1) and 0 < agreement.to_numpy().min() < 1


def evaluated(block: str) -> Any:
    """The value of the last line of some code, as a notebook shows it."""
    *before, last = ast.parse(block).body
    assert isinstance(last, ast.Expr)
    names: dict[str, Any] = {}
    exec(compile(ast.Module(before, []), "data.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "data.md", "eval"), names)
