"""Studies as bundles: rows carry what metrics said; it is checked and judged in a leaderboard."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from distbench import RefusedError, UsageError
from distbench.cli import app
from distbench.leaderboard.analysis.metric_scores import scores_of
from distbench.leaderboard.rows.row_reader import as_records
from distbench.planning.config import RunConfig
from distbench.submission.bundle import open_bundle
from distbench.submission.study_scores import STUDY, open_study, study_folder
from distbench.submission.validate import validate
from distbench.submission.validation_report import ValidationReport
from distbench.workflows.studies.study import MetricStudy, study

Judge = Callable[[Any], ValidationReport]


@pytest.fixture
def studied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: tuple[Path, ...]
) -> MetricStudy:
    monkeypatch.chdir(tmp_path)
    config = RunConfig.make(
        plugin=plugins,
        suite="toy_suite",
        metric=("by_name", "never_defined"),
        overlap="allow",
        executor="serial",
        name="toy",
    )
    return study(config)


def submitted(plugins: tuple[Path, ...]) -> Any:
    files = [part for file in plugins for part in ("--plugin", str(file))]
    who = ("--submitter", "Ada Lovelace", "--licence", "CC0-1.0")
    return CliRunner().invoke(app, ["submit", "toy", *who, "--output", "out", *files])


def refusals(judge: Judge, parts: Any, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Why the bundle is refused once the first row's scores are changed."""
    changed = copy.deepcopy(parts)
    change(changed.rows[0]["result"])
    return judge(changed).reasons


@pytest.mark.slow
def test_a_study_becomes_a_bundle_whose_contradictions_are_refused(
    studied: MetricStudy,
    judge: Judge,
    plugins: tuple[Path, ...],
    parts_of: Callable[[Path], Any],
) -> None:
    done = submitted(plugins)
    assert done.exit_code == 0, done.output
    assert "toy.distbench.zip: 6 of 6 cells done, scores of 2 metrics, validated." in done.stdout
    path = Path("out/toy.distbench.zip")
    with open_bundle(path) as bundle:
        rows = list(bundle.rows())
    told = {metric: one.by_cell for metric, one in scores_of(as_records(rows)).items()}
    assert told == {
        metric: {cell: dict(values) for cell, values in by_cell.items()}
        for metric, by_cell in studied.scores.items()
    }
    assert told["by_name"]["toy", 0] == {"toy-0": 0.0, "toy-1": 1.0, "toy-2": 2.0}
    assert told["never_defined"]["toy", 0] == {}, "asked, and silent"

    shown = CliRunner().invoke(app, ["leaderboard", "out", "--output", "board", "--format", "csv"])
    assert shown.exit_code == 0, shown.output
    table = shown.stdout[shown.stdout.index("\nmetric ") :]
    assert "by_name" in table
    assert Path("board/metrics.csv").read_text().splitlines()[2].startswith("never_defined,")
    board = ["leaderboard", "out", "--output", "board", "--format", "csv"]
    assert CliRunner().invoke(app, [*board, "--reference", "never_defined"]).exit_code == 0
    wrong = CliRunner().invoke(app, [*board, "--reference", "by_nam"])
    assert wrong.exit_code == 2
    assert "unknown metric 'by_nam'. Did you mean 'by_name'?" in wrong.stderr

    parts = parts_of(path)
    assert judge(parts).reasons == []
    where = "pseudo_labels/only:toy-0 on toy, seed 0, scores of metrics: "
    first = parts.rows[0]["result"]["declared"]["metric_scores"]
    assert first["by_name"]["component"]["name"] == "by_name"

    def told_scores(result: dict[str, Any]) -> dict[str, Any]:
        table: dict[str, Any] = result["declared"]["metric_scores"]
        return table

    assert refusals(judge, parts, lambda r: told_scores(r)["by_name"].update(score="1"))[0] == (
        f"{where}that of by_name is no component with a finite number"
    )
    missing = refusals(judge, parts, lambda r: told_scores(r).pop("by_name"))
    assert missing[0].endswith(
        "scores of metrics: by_name has one here or in pseudo_labels/only:toy-0 on toy, seed 0, "
        "but not in both"
    )
    other = refusals(
        judge, parts, lambda r: told_scores(r)["by_name"]["component"].update(version=7)
    )
    assert other[0].endswith("scores of metrics: by_name is another component than in rows before")
    weights = {"toy-0": 0.5, "toy-1": 0.5, "toy-2": 0.0}
    several = refusals(judge, parts, lambda r: r["sources"].update(weights=weights))
    assert f"{where}it did not learn from one source, chosen without a metric" in several

    again = validate(path, plugins=plugins, rerun=2, choice=1)
    assert again.reasons == [] and len(again.facts["rerun"]) == 2
    for one in again.facts["rerun"]:
        assert one["scores"] == {"by_name": "bit-equal", "never_defined": "bit-equal"}

    invented = copy.deepcopy(parts)
    for row in invented.rows:
        told_scores(row["result"])["by_name"]["score"] = 5.0
    file = invented.write(path.with_name("invented.distbench.zip"))
    found = validate(file, plugins=plugins, rerun=1, choice=1, called=path.name)
    assert found.reasons[0].startswith("by_name of toy-")
    assert ": 5 is claimed, computed again it is " in found.reasons[0]

    coarse = copy.deepcopy(parts)  # as an image more of a few, on another machine
    for row in coarse.rows:
        told_scores(row["result"])["by_name"]["score"] += 0.2
    file = coarse.write(path.with_name("coarse.distbench.zip"))
    found = validate(file, plugins=plugins, rerun=1, choice=1, called=path.name)
    assert found.reasons == []
    assert found.facts["rerun"][0]["scores"]["by_name"] == "compared"

    renamed = copy.deepcopy(parts)
    for row in renamed.rows:
        table = told_scores(row["result"])
        table["mine"] = table.pop("by_name")
    assert judge(renamed).reasons == ["the metric called 'mine' is the component 'by_name'"]


@pytest.mark.slow
def test_scores_that_were_edited_are_not_submitted(
    studied: MetricStudy, plugins: tuple[Path, ...]
) -> None:
    file = studied.folder / STUDY
    table = json.loads(file.read_text())
    table["scores"]["by_name"]["cells"][0]["sources"]["toy-0"] = 9.0
    file.write_text(json.dumps(table))
    with pytest.raises(RefusedError, match=r"scores of by_name on toy, seed 0, are not what was"):
        open_study(studied.folder)
    assert submitted(plugins).exit_code == 3
    assert not Path("out").exists()


def test_a_study_of_an_older_distbench_is_asked_to_be_made_again(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / STUDY).write_text('{"scores": {"logme": [{"task": "a"}]}}')
    assert study_folder(Path("old"), tmp_path) == tmp_path / "old"
    assert study_folder(Path("new"), tmp_path) is study_folder(None) is None
    with pytest.raises(UsageError, match=r"study\.json does not say how metrics scored; `distben"):
        open_study(tmp_path / "old")
