"""Leaderboards by measures: of each task its own, one for all, one of a user's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.errors import PluginError, UsageError
from distbench.interfaces.measure import Measure
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_page
from distbench.leaderboard.rows.measures import MeasureFacts
from distbench.plugins.registry import registry
from distbench.storage.hits import read_test_labels
from distbench.workflows.collect import collect
from distbench.workflows.judging import Judging, facts_of, value_of

Options = dict[str, Any]
OWN = '''
import numpy as np
from distbench import Measure

class Brier(Measure):
    """Squared error of the probabilities, ours."""

    higher_is_better = False
    needs = frozenset({"probabilities"})
    unit = "plain"

    def value(self, labels, predictions, probabilities):
        truth = np.eye(probabilities.shape[1])[labels]
        return float(((probabilities - truth) ** 2).sum(axis=1).mean())
'''


@pytest.fixture
def two(toy_options: Options) -> Any:
    """A run of two baselines on one task with two seeds."""
    options = {**toy_options, "task": ("toy_task",), "distiller": "none", "seeds": 2}
    return distbench.run(**{**options, "baseline": ("finetune", "fixmatch"), "name": "two"})


def ask(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["leaderboard", "runs/two", "--output", "out", *arguments])


def test_auroc_is_that_of_the_kept_probabilities(two: Any) -> None:
    labels = read_test_labels(two.folder)["toy_task"]
    expected: dict[str, list[float]] = {}
    for row in two.rows:
        p = two.probabilities(row)
        assert p.sum(axis=1) == pytest.approx(np.ones(len(p)), abs=1e-12)
        areas = [roc_auc_score(labels == c, p[:, c]) for c in range(p.shape[1])]
        expected.setdefault(row.method.id, []).append(float(np.mean(areas)))
    answer = ask("--measure", "auroc", "--format", "csv", "--format", "json")
    assert answer.exit_code == 0, answer.output
    assert "test AUROC in percent" in answer.output
    assert "accuracy" not in answer.stdout
    with Path("out/leaderboard.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    for method, values in expected.items():
        assert float(rows[method]["mean"]) == pytest.approx(np.mean(values), abs=1e-6)
        assert rows[method]["measure"] == "auroc"
    board = json.loads(Path("out/leaderboard.json").read_text())["reports"][0]["leaderboard"]
    assert (board["measure"], board["measures"][0]["title"]) == ("auroc", "AUROC")


def test_lower_is_better(two: Any) -> None:
    answer = ask("--measure", "nll", "--format", "csv")
    assert "test negative log-likelihood, lower is better" in answer.output
    with Path("out/leaderboard.csv").open() as file:
        first, second = csv.DictReader(file)
    assert float(first["mean"]) <= float(second["mean"])
    assert float(first["average_rank"]) <= float(second["average_rank"])


def test_a_measure_of_ones_own_from_a_file(two: Any, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    answer = ask("--measure", "brier", "--plugin", str(tmp_path / "own.py"))
    assert answer.exit_code == 0, answer.output
    assert "test brier, lower is better" in answer.output
    wrong = ask("--measure", "brie", "--plugin", str(tmp_path / "own.py"))
    assert wrong.exit_code == 2
    assert "unknown measure 'brie'. Did you mean 'brier'" in wrong.output


def test_a_run_without_probabilities_says_why(two: Any) -> None:
    lines = []
    for text in (two.folder / "rows.jsonl").read_text().splitlines():
        table = json.loads(text)
        del table["sha256"], table["result"]["probabilities_digest"]
        lines.append(json.dumps({**table, "schema_version": 2}))
    (two.folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    answer = ask("--measure", "auroc")
    assert answer.exit_code == 0, answer.output
    assert "0/2" in answer.output
    told = " ".join(answer.output.split())
    assert "no AUROC on toy_task (seeds 0, 1): no probabilities are kept" in told
    for name in ("f1", "accuracy"):
        assert "0/2" not in ask("--measure", name).output, "these need none"
    (two.folder / "test_labels.safetensors").unlink()
    assert "the labels of its test images are not at hand" in " ".join(
        ask("--measure", "f1").output.split()
    )


def test_a_task_names_its_own_measure(toy_options: Options, two: Any) -> None:
    before = {row.key: row.result for row in two.rows}
    options = {**toy_options, "task": ("toy_task",), "distiller": "none", "seeds": 2}
    options |= {"baseline": ("finetune", "fixmatch"), "name": "two"}
    again = distbench.run(**options, measure="f1")
    assert again.computed == 0, "no result depends on it"
    assert {row.key: row.result for row in again.rows} == before
    assert [one.name for one in again.board.measures] == ["f1"]
    assert "macro F1 in percent" in (again.folder / "leaderboard.md").read_text()
    assert "macro F1" in ask().output, "the plan says it"
    assert "test accuracy in percent" in ask("--measure", "accuracy").output
    shown = CliRunner().invoke(app, ["show", "runs/two"])
    assert "macro F1" in shown.output
    entry = {"id": "toy_task", "use": "toy_task", "measure": "top5:k=2"}
    own = distbench.run(**{**options, "task": (entry,), "name": "own"})
    assert [one.title for one in own.board.measures] == ["top-2 accuracy"]
    assert own.board.lines[0].entries[0].of_images, "its interval is over images"
    with pytest.raises(UsageError, match="unknown measure 'auc'"):
        distbench.run(**options, measure="auc")


def test_runs_that_name_different_measures_need_a_choice(toy_options: Options, two: Any) -> None:
    options = {**toy_options, "task": ("toy_task",), "distiller": "none", "seeds": 2}
    distbench.run(**{**options, "baseline": "finetune", "measure": "f1", "name": "other"})
    both = CliRunner().invoke(app, ["leaderboard", "runs/two", "runs/other"])
    assert both.exit_code == 2
    assert "different measures of task 'toy_task': accuracy and f1; choose one with --measure" in (
        " ".join(both.output.split())
    )
    arguments = ["leaderboard", "runs/two", "runs/other", "--measure", "f1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_the_page_is_by_the_measure(two: Any) -> None:
    judging = Judging(registry(), "nll")
    found = collect([two.folder], judging)
    page = reports_page(found, reports(found, measure=judging.common))
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    (board,) = data["boards"]
    assert (board["measure"], board["percent"], board["sign"]) == (
        "negative log-likelihood",
        False,
        -1,
    )
    heads = {head["key"]: head for head in board["columns"]}
    assert (heads["mean"]["title"], heads["mean"]["first"]) == ("Mean", 1)


class Wrong(Measure):
    """A measure that does what it is told, ours."""

    def value(self, labels: Any, predictions: Any, probabilities: Any) -> float:
        """Tells."""
        return {2: float("nan"), 4: 63.7}.get(len(labels), 0.5)

    def hits(self, labels: Any, predictions: Any, probabilities: Any) -> Any:
        """Other than the value."""
        return np.ones(len(labels), bool)


def test_measures_that_do_not_keep_to_their_contract() -> None:
    for images, said in (
        (2, "value gives nan"),
        (3, "hits gives no truth value for each image"),
        (4, "value gives 63.7; what is shown in percent is a share, 0 to 1"),
    ):
        answers = np.zeros(images, int)
        with pytest.raises(PluginError, match=said):
            value_of(Wrong(), answers, answers, None)


def test_several_labels_are_declined_by_measures_of_one_class() -> None:
    several = np.array([[0, 1], [1, 1]])
    judged = value_of(registry().make("measure", "accuracy"), several, several, None)
    assert judged[:3] == (None, "it is not defined where an image may show several classes", None)
    f1 = registry().make("measure", "f1")
    assert value_of(f1, several, several, None).value == 1.0
    assert facts_of(f1) == MeasureFacts("f1", "macro F1")
