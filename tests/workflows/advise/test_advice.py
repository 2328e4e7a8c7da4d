"""Advice on finished runs: what is chosen and on which images, what is printed, what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.engine.records.run_folder import open_run
from distbench.errors import UsageError
from distbench.leaderboard.statistics import Estimate
from distbench.storage.hits import FolderHits
from distbench.storage.row_lines import sealed_line
from distbench.workflows.advise.advise import advise
from distbench.workflows.advise.candidates import candidates_of
from distbench.workflows.advise.judged import calibration, judge
from distbench.workflows.advise.students import rated
from distbench_builtin.measures.ece import ECE

TOYS = Path(__file__).parents[2] / "toys.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of a tiny task whose sources know it, and which a student of few steps does not."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("advised")
        patch.setenv("DISTBENCH_HOME", str(folder / "home"))
        patch.setenv("DISTBENCH_PLUGINS", "")
        patch.chdir(folder)
        made = distbench.run(
            plugin=(TOYS,),
            task=("toy_task",),
            zoo="toy_zoo",
            student="toy_student",
            image_size=16,
            steps=4,
            batch=8,
            labelled="4-per-class",
            validation=0.3,
            executor="serial",
            strategy=("weighted", "equal"),
            distiller=("pseudo_labels",),
            baseline=("finetune",),
            name="toy",
            save_student=False,
        )
        assert made.exit_code == 0
        yield folder / made.folder


@pytest.fixture
def here(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISTBENCH_HOME", str(run.parents[1] / "home"))
    return run


def test_sources_are_judged_on_validation_images_and_weighed_as_in_the_run(here: Path) -> None:
    (advice,) = advise(open_run(here)).tasks
    assert (advice.labelled, advice.validation, advice.test) == (12, 18, 30)
    assert advice.baseline == "finetune"
    assert advice.weighed_by == advice.advised.method
    assert sum(line.weight for line in advice.sources) == pytest.approx(1)
    # Colours are told apart by the toy sources' features, whatever the student has learnt.
    assert advice.knowledge is not None
    assert (advice.knowledge.verdict, advice.knowledge.probe.mean) == ("yes", 1.0)
    assert all(line.adds is None or line.adds.mean == 0 for line in advice.sources)
    (curve,) = advice.curves
    assert [point.labels for point in curve.points] == [3, 6, 12]
    (student,) = advice.students
    assert student.student == "toy_student" and student.worth


def test_test_images_have_no_say(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other labels of the test images all but what is reported of them stays as it is."""
    before = advise(open_run(here)).tasks[0]
    # A student of four steps says one class of all images.
    monkeypatch.setattr(
        "distbench.storage.hits.FolderHits.labels", lambda self, row: np.zeros(30, dtype=np.int64)
    )
    after = advise(open_run(here)).tasks[0]
    assert before.advised.test != after.advised.test
    said = [replace(one, test=None, gain=None) for one in before.candidates]
    assert [replace(one, test=None, gain=None) for one in after.candidates] == said
    assert after.advised.method == before.advised.method
    assert (after.sources, after.curves, after.knowledge) == (
        before.sources,
        before.curves,
        before.knowledge,
    )


def test_it_is_printed_as_text_and_json(here: Path) -> None:
    text = CliRunner().invoke(app, ["advise", str(here), "--no-page"])
    assert text.exit_code == 0, text.output
    assert "ADVICE" in text.stdout and "Is there a source that knows this? Yes" in text.stdout
    assert "toy_task: 3 classes, 12 labelled / 18 validation / 30 test images" in text.stdout
    assert max(len(line) for line in text.stdout.splitlines() if "  " not in line.strip()) <= 100
    assert not (here / "advice").exists()
    done = CliRunner().invoke(app, ["advise", str(here), "--json"])
    table = json.loads(done.stdout)
    (task,) = table["tasks"]
    assert task["choice"]["advised"] in {one["method"] for one in task["candidates"]}
    assert task["curves"][0]["next_doubling"] is not None
    assert Path(table["pages"]["toy_task"]).is_file()


def test_a_finished_run_takes_no_options_of_one(here: Path) -> None:
    done = CliRunner().invoke(app, ["advise", str(here), "--task", "toy_task"])
    assert done.exit_code == 2
    assert "a finished run is read as it is: leave out --task" in done.stderr


COMMON = (
    *("--plugin", str(TOYS), "--task", "toy_task", "--zoo", "toy_zoo", "--student", "toy_student"),
    *("--image-size", "16", "--steps", "2", "--batch", "8", "--labelled", "4-per-class"),
    *("--validation", "0.3", "--executor", "serial", "--no-save-student"),
)


def test_a_task_is_trained_on_and_the_curve_shares_its_validation_images() -> None:
    methods = ("--distiller", "none", "--baseline", "finetune")
    done = CliRunner().invoke(app, ["advise", *COMMON, *methods, "--curve", "--json"])
    assert done.exit_code == 0, done.output
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["choice"]["advised"] == "finetune"
    (curve,) = task["curves"]
    assert (curve["of"], [point["labels"] for point in curve["points"]]) == ("finetune", [3, 6, 12])
    assert curve["points"][-1]["accuracy"] == task["candidates"][0]["validation"]
    refused = CliRunner().invoke(app, ["advise", "--curve"])
    assert refused.exit_code == 2 and "--curve trains" in refused.stderr


def test_a_run_ends_with_advice_where_it_is_asked_for() -> None:
    methods = ("--distiller", "pseudo_labels", "--baseline", "finetune", "--name", "ends")
    done = CliRunner().invoke(app, ["run", *COMMON, *methods, "--advise"])
    assert done.exit_code == 0, done.output
    assert "Everything lies in runs/ends" in done.stdout and "ADVICE" in done.stdout
    assert Path("runs/ends/advice/toy_task.html").is_file()
    without = ("--validation", "0", "--name", "without")
    common = [one for one in COMMON if one not in ("--validation", "0.3")]
    done = CliRunner().invoke(app, ["run", *common, *methods[:4], *without, "--advise"])
    assert done.exit_code == 0, done.output
    assert "Everything lies in runs/without" in done.stdout and "ADVICE" not in done.stdout
    assert "warning: runs/without cannot be advised on: toy_task: it has no valid" in done.stderr
    refused = CliRunner().invoke(app, ["run", *COMMON, *methods, "--advise", "--dry-run"])
    assert refused.exit_code == 2 and "--advise needs a whole run" in refused.stderr


def test_one_network_is_as_fast_in_every_line(here: Path) -> None:
    """What was measured while the machine had other work to do is no property of a method."""
    rows = [
        row.model_copy(update={"cost": row.cost.model_copy(update={"latency_ms": 5.0 + i})})
        for i, row in enumerate(open_run(here).rows)
        if row.cost is not None
    ]
    heavy = rows[0].cost
    assert heavy is not None
    costs = heavy.model_copy(update={"student_macs": 2 * heavy.student_macs, "latency_ms": 50.0})
    views = rows[-1].model_copy(update={"cost": costs})
    lines = candidates_of([*rows[:-1], views], FolderHits(here), None)
    assert {line.method: line.latency_ms for line in lines} == {
        row.method.id: 50.0 if row is rows[-1] else 5.0 for row in rows
    }


def test_students_of_runs_beside_it_stand_in_one_table(here: Path) -> None:
    """The one that is slower and no better is not worth it; runs of other images do not count."""
    opened = open_run(here)
    beside = here.parent / "slower"
    shutil.copytree(here, beside)
    plan = json.loads((beside / "plan.json").read_text())
    plan["student_identity"]["name"] = "slow_student"
    (beside / "plan.json").write_text(json.dumps(plan))
    rows = []
    for row in opened.rows:
        assert row.cost is not None
        slower = row.cost.model_copy(update={"latency_ms": 9.0})
        rows.append(sealed_line(row.model_copy(update={"cost": slower})))
    (beside / "rows.jsonl").write_text("".join(row + "\n" for row in rows))
    lines = advise(opened).tasks[0].students
    assert [line.student for line in lines] == ["toy_student", "slow_student"]
    assert (lines[1].latency_ms, [line.worth for line in lines]) == (9.0, [True, False])
    better = replace(lines[1], validation=Estimate(1.0))
    assert [line.worth for line in rated([lines[0], better])] == [True, True]
    assert [
        line.worth for line in rated([replace(lines[0], validation=Estimate(1.0)), lines[1]])
    ] == [
        True,
        False,
    ]
    other = [
        row.model_copy(update={"task": row.task.model_copy(update={"fingerprint": "0" * 64})})
        for row in opened.rows
    ]
    (beside / "rows.jsonl").write_text("".join(sealed_line(row) + "\n" for row in other))
    assert len(advise(opened).tasks[0].students) == 1
    shutil.rmtree(beside)


def test_a_run_without_validation_images_cannot_be_advised_on(here: Path) -> None:
    opened = open_run(here)
    rows = tuple(
        row.model_copy(
            update={
                "result": row.result and row.result.model_copy(update={"validation_accuracy": None})
            }
        )
        for row in opened.rows
    )
    with pytest.raises(
        UsageError, match=r"toy_task: it has no validation images.*--validation 0.15"
    ):
        advise(replace(opened, rows=rows))


def test_several_classes_an_image_get_no_advice(here: Path) -> None:
    opened = open_run(here)
    tasks = tuple(replace(task, several=True) for task in opened.plan.tasks)
    with pytest.raises(
        UsageError, match="toy_task: advice is for tasks whose images show one class"
    ):
        advise(replace(opened, plan=replace(opened.plan, tasks=tasks)))


def test_without_a_metric_the_heaviest_source_stands_for_all(here: Path) -> None:
    opened = open_run(here)
    rows = tuple(row for row in opened.rows if row.method.id == "pseudo_labels/equal")
    (advice,) = advise(replace(opened, rows=rows)).tasks
    assert advice.knowledge is not None and not advice.knowledge.scored
    assert advice.knowledge.verdict == "unclear" and advice.knowledge.baseline is None
    assert [line.weight for line in advice.sources] == pytest.approx([1 / 3] * 3)


def test_a_run_of_baselines_says_nothing_of_sources(here: Path) -> None:
    opened = open_run(here)
    rows = tuple(row for row in opened.rows if row.method.id == "finetune")
    (advice,) = advise(replace(opened, rows=rows)).tasks
    assert (advice.advised.method, advice.knowledge, advice.sources) == ("finetune", None, ())


def test_the_calibration_error_is_that_of_the_measure() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet((1, 1, 1), 400)
    labels, predictions = rng.integers(0, 3, 400), shares.argmax(1)
    judged = judge(predictions, labels, shares, ("a", "b", "c"))
    assert judged.calibration is not None
    measure = ECE(bins=10).value(labels, predictions, shares)
    assert judged.calibration.error == pytest.approx(measure)
    assert [one.image for one in judged.mistakes] == sorted(
        np.flatnonzero(predictions != labels),
        key=lambda at: -shares[at, predictions[at]],
    )
    sure = np.array([0.95, 0.85, 0.85, 0.55])
    found = calibration(sure, np.array([True, True, False, False]))
    assert found.error == pytest.approx((0.05 + 2 * 0.35 + 0.55) / 4)
    assert [one.images for one in found.bins] == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]
