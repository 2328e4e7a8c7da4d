"""Whole runs on tiny tasks: what is computed, kept, redone, refused and reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distbench
from distbench.errors import (
    CorruptImageError,
    DataError,
    MachineError,
    UnknownNameError,
    UsageError,
)
from distbench.interfaces.execution.unit_queue import UnitQueue
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.home import home
from distbench.storage.rows import Row

Options = dict[str, Any]


def results(rows: tuple[Row, ...]) -> dict[tuple[str, str, int], str]:
    return {
        (r.method.id, r.task.id, r.seed): r.result.model_dump_json() if r.result else r.status
        for r in rows
    }


def test_a_run_crosses_methods_tasks_and_seeds(toy_options: Options) -> None:
    made = distbench.run(**toy_options, strategy=("weighted", "equal"), seeds=2)
    methods = {row.method.id for row in made.rows}
    assert methods == {
        "pseudo_labels/weighted/parc",
        "pseudo_labels/equal",
        "label_propagation/weighted/parc",
        "label_propagation/equal",
        "finetune",
    }
    assert len(made.rows) == 5 * 2 * 2
    assert {row.status for row in made.rows} == {"done"}
    assert made.exit_code == 0
    row = next(r for r in made.rows if r.method.id == "pseudo_labels/weighted/parc")
    assert row.result is not None and row.cost is not None
    predictions = made.predictions(row)
    assert predictions is not None and predictions.shape == (30,)
    assert row.result.accuracy == pytest.approx((predictions == np.arange(30) % 3).mean())
    assert 0 <= row.result.accuracy <= 1
    assert row.result.curve[-1].step == 4
    assert row.result.parts.labelled == 9
    assert row.result.parts.validation == 6
    assert row.result.parts.unlabelled == 54
    assert sum(row.result.sources.weights.values()) == pytest.approx(1)
    assert row.cost.student_macs > 0
    assert row.cost.teacher_macs is not None and row.cost.teacher_macs % 1000 == 0
    assert row.plugins["distbench"] == distbench.__version__
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.tex"):
        assert (made.folder / name).stat().st_size > 100
    assert (made.folder / "costs.csv").exists()
    assert (made.folder / "weights.json").exists()


def test_a_second_run_computes_nothing_and_a_new_method_only_itself(toy_options: Options) -> None:
    first = distbench.run(**toy_options, baseline=("finetune",))
    table = (first.folder / "leaderboard.csv").read_bytes()
    second = distbench.run(**toy_options, baseline=("finetune",))
    assert (first.computed, second.computed) == (6, 0)
    assert (second.folder / "leaderboard.csv").read_bytes() == table
    third = distbench.run(**toy_options, baseline=("finetune", "scratch"))
    assert third.computed == 2


@pytest.mark.slow
def test_results_do_not_depend_on_executor_workers_or_order(
    toy_options: Options, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = []
    for number, change in enumerate(
        (
            {"executor": "serial"},
            {"executor": "local", "workers": 3},
            {"task": tuple(reversed(toy_options["task"]))},
        )
    ):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / f"home{number}"))
        made = distbench.run(**{**toy_options, **change}, metric=("logme", "parc"))
        assert made.computed == len(made.rows) == 10
        found.append(results(made.rows))
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_shards_joined_give_the_rows_of_one_run(
    toy_options: Options, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from distbench.engine.records.run_folder import merge_runs, open_run
    from distbench.planning.config import RunConfig
    from distbench.workflows.run import execute

    whole = distbench.run(**toy_options)
    folders = []
    for number in (1, 2, 3):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / f"node{number}"))
        made = execute(RunConfig.make(**toy_options), shard=(number, 3))
        assert made.folder.name == f"toy-shard-{number}-of-3"
        folders.append(open_run(made.folder))
    assert [len(f.rows) for f in folders] == [2, 2, 2]
    _, rows, slice_of = merge_runs(folders, Path("joined"))
    assert results(rows) == results(whole.rows)
    for row in rows:
        assert np.array_equal(slice_of(row).predictions(row), whole.predictions(row))


@pytest.mark.slow
def test_shards_of_different_plans_are_not_joined(toy_options: Options) -> None:
    from distbench.engine.records.run_folder import merge_runs, open_run
    from distbench.planning.config import RunConfig
    from distbench.workflows.run import execute

    one = execute(RunConfig.make(**toy_options), shard=(1, 2))
    other = execute(RunConfig.make(**{**toy_options, "steps": 5}), shard=(2, 2))
    with pytest.raises(UsageError, match="slices of different plans"):
        merge_runs([open_run(one.folder), open_run(other.folder)], Path("joined"))


def test_a_failing_method_fails_its_cells_and_nothing_else(toy_options: Options) -> None:
    options = toy_options
    made = distbench.run(**options, baseline=("finetune", "misbehaving:raise"))
    failed = [row for row in made.rows if row.status == "failed"]
    assert {row.method.id for row in failed} == {"misbehaving"}
    assert all("RuntimeError: on purpose" in (row.reason or "") for row in failed)
    assert all("Traceback" in (row.traceback or "") for row in failed)
    assert made.exit_code == 1
    assert sum(row.status == "done" for row in made.rows) == 6
    again = distbench.run(**options, baseline=("finetune", "misbehaving:raise"))
    assert again.computed == 2, "failures are tried again, finished cells are not"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "reason"),
    [("exit", "exit code 7"), ("memory", "out of memory"), ("sleep", "took longer than 1 s")],
)
def test_a_worker_that_dies_fails_only_its_cell(
    toy_options: Options, how: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = UnitQueue.timeout  # for the cell that sleeps; others take as long as they need
    monkeypatch.setattr(
        UnitQueue, "timeout", lambda queue, unit: limit(queue, unit) if "sleep" in unit else None
    )
    made = distbench.run(
        **{**toy_options, "task": ("toy_task",), "executor": "local"},
        distiller="none",
        baseline=(f"misbehaving:{how}", "finetune"),
        timeout=1 if how == "sleep" else None,
        workers=1,
    )
    by_method = {row.method.id: row for row in made.rows}
    assert reason in (by_method[f"misbehaving:{how}"].reason or "")
    assert by_method["finetune"].status == "done"


def test_more_steps_than_the_protocol_allows_are_refused(toy_options: Options) -> None:
    made = distbench.run(**toy_options, distiller="none", baseline="misbehaving:greedy")
    assert "10000 steps, the protocol allows 4" in (made.rows[0].reason or "")


def test_methods_see_no_label_that_they_should_not(toy_options: Options) -> None:
    made = distbench.run(**toy_options, distiller="none", baseline="peeker")
    assert [(row.status, row.reason) for row in made.rows] == [("declined", "has seen enough")] * 2


def test_a_source_that_saw_the_task_is_left_out_or_marked(toy_options: Options) -> None:
    strict = distbench.run(**toy_options, baseline="none", strategy="equal")
    by_task = {row.task.id: row.result.sources for row in strict.rows if row.result}
    assert set(by_task["toy_task"].weights) == {"toy-0", "toy-1", "toy-2"}
    assert set(by_task["toy_task-hue-0.5"].weights) == {"toy-0", "toy-1"}
    assert by_task["toy_task-hue-0.5"].excluded == {"toy-2": "saw this task: trained on toy-data"}
    allowed = distbench.run(**toy_options, baseline="none", strategy="equal", overlap="allow")
    marked = {row.task.id: row.result.sources for row in allowed.rows if row.result}
    assert marked["toy_task-hue-0.5"].marked == {"toy-2": "saw this task: trained on toy-data"}
    assert "toy-2" in marked["toy_task-hue-0.5"].weights


def test_a_source_with_nan_features_is_left_out_with_a_warning(toy_options: Options) -> None:
    made = distbench.run(**{**toy_options, "zoo": "toy_zoo:broken=true"}, baseline="none")
    assert made.exit_code == 0
    assert made.warnings[0] == (
        "toy_task: source toy-nan is left out: its features or logits are not finite"
    )
    assert all(row.result and "toy-nan" not in row.result.sources.weights for row in made.rows)


def test_a_metric_that_is_not_defined_declines_the_cell(toy_options: Options) -> None:
    made = distbench.run(**toy_options, baseline="finetune", metric="never_defined")
    declined = [row for row in made.rows if row.method.id.endswith("never_defined")]
    assert {row.status for row in declined} == {"declined"}
    assert "nothing to compare" in (declined[0].reason or "")
    assert made.exit_code == 0


def test_parc_declines_where_no_two_images_share_a_class(toy_options: Options) -> None:
    made = distbench.run(
        **{**toy_options, "labelled": "1-per-class"}, baseline="none", metric="parc"
    )
    assert {row.status for row in made.rows} == {"declined"}
    assert "no two images" in (made.rows[0].reason or "")


def test_a_strategy_that_gives_no_weights_is_named(toy_options: Options) -> None:
    made = distbench.run(**toy_options, baseline="none", strategy="halves")
    assert "strategy gave weights that sum to 0.3" in (made.rows[0].reason or "")


def test_reporters_are_told(toy_options: Options) -> None:
    distbench.run(**toy_options, distiller="none", baseline="finetune", reporter="diary")
    lines = Path("diary.txt").read_text().splitlines()
    begun = ["cell toy_task:finetune:0", "cell toy_task-hue-0.5:finetune:0"]
    done = "finetune done"
    assert lines == ["started 2 of 2", begun[0], done, begun[1], done, "finished"]


def test_a_corrupt_image_is_refused_by_name_or_skipped_and_counted(toy_options: Options) -> None:
    broken = {**toy_options, "task": ("toy_task:corrupt=7",)}
    made = distbench.run(**broken, baseline="none")
    assert made.exit_code == 3
    assert "cannot read image 'train-7': cut short" in (made.rows[0].reason or "")
    assert "--skip-corrupt" in (made.rows[0].reason or "")
    went_on = distbench.run(**broken, baseline="none", skip_corrupt=True)
    assert went_on.exit_code == 0
    assert went_on.rows[0].result is not None
    assert went_on.rows[0].result.parts.skipped == ("train-7",)
    assert went_on.warnings == ("toy_task-corrupt-7: 1 corrupt images skipped (train-7)",)


def test_a_corrupt_image_is_refused_when_ranking(toy_options: Options) -> None:
    with pytest.raises(CorruptImageError, match="train-7"):
        distbench.rank("toy_task:corrupt=7", "toy_zoo", plugin=toy_options["plugin"], labelled=1.0)


def test_one_class_is_refused_before_anything_is_written(toy_options: Options) -> None:
    with pytest.raises(DataError, match=r"'toy_task-classes-1' has one class \(a\)"):
        distbench.run(**{**toy_options, "task": ("toy_task:classes=1",)})
    assert not Path("runs").exists()


def test_a_class_without_a_labelled_image_is_refused(toy_options: Options) -> None:
    with pytest.raises(DataError, match="class 'c' has no labelled image"):
        distbench.run(**{**toy_options, "task": ("toy_task:train=2",)})


def test_unknown_names_get_a_suggestion(toy_options: Options) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown metric 'logmee'. Did you mean 'logme'\?"):
        distbench.run(**toy_options, metric="logmee")
    assert not Path("runs").exists()


def test_an_altered_artifact_is_made_anew(toy_options: Options) -> None:
    toy_options = {**toy_options, "distiller": "pseudo_labels"}
    first = distbench.run(**toy_options, baseline="none")
    embeddings = sorted((home() / "artifacts" / "embeddings").glob("*/*/features.npy"))
    whole = embeddings[0].read_bytes()
    embeddings[0].write_bytes(whole[:-100])
    flipped = bytearray(embeddings[1].read_bytes())
    flipped[-1] ^= 0xFF
    embeddings[1].write_bytes(bytes(flipped))
    again = distbench.run(**toy_options, baseline="none", strategy="equal")
    assert again.computed == 2
    assert embeddings[0].read_bytes() == whole
    cache = ArtifactCache(home() / "artifacts")
    assert cache.get("embeddings", embeddings[1].parent.name) is not None
    assert first.exit_code == again.exit_code == 0


@pytest.mark.parametrize("damage", ["cut", "altered"])
def test_a_damaged_row_is_computed_again(toy_options: Options, damage: str) -> None:
    first = distbench.run(**toy_options, distiller="none", baseline="finetune")
    path = next((home() / "cells").glob("*/*.json"))
    whole = path.read_bytes()
    accuracy = json.loads(whole)["row"]["result"]["accuracy"]
    damaged = whole.replace(f'"accuracy":{accuracy}'.encode(), b'"accuracy":0.99')
    assert damaged != whole
    path.write_bytes(whole[:200] if damage == "cut" else damaged)
    again = distbench.run(**toy_options, distiller="none", baseline="finetune")
    assert again.computed == 1
    assert results(again.rows) == results(first.rows)


@pytest.mark.slow
def test_an_edited_plugin_file_is_not_served_what_it_computed_before(
    toy_options: Options, tmp_path: Path
) -> None:
    plugin = tmp_path / "mine.py"
    text = "from distbench import Metric\nclass Mine(Metric):\n    'Mine.'\n"
    text += "    def score(self, probe): return float(probe.source.name[-1])\n"
    code = "import distbench, json, sys\n" + f"o = {toy_options | {'plugin': None}!r}\n"
    code = code.replace("PosixPath", "str") + (
        f"o['plugin'] = ({str(toy_options['plugin'][0])!r}, {str(plugin)!r})\n"
        "o |= {'distiller': 'pseudo_labels', 'baseline': 'none'}\n"
        "r = distbench.run(**o, metric='mine', strategy='nearest')\n"
        "print(json.dumps([r.computed, r.rows[0].result.sources.weights]))\n"
    )

    def run() -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    plugin.write_text(text)
    assert run()[0] == 2
    plugin.write_text(text.replace("float(", "-float("))
    computed, weights = run()
    assert computed == 2
    assert weights["toy-0"] == 1


@pytest.mark.slow
def test_killed_at_any_moment_no_finished_cell_is_lost(toy_options: Options) -> None:
    command = [sys.executable, "-m", "distbench", "run", "--seeds", "6", "--workers", "2"]
    toy_options["baseline"] = ("finetune", "patient:cells=5,file=go")
    toy_options["distiller"] = "pseudo_labels"
    flat = {**toy_options, "save_student": None, "executor": "local"}
    for key, value in flat.items():
        option = "--" + key.replace("_", "-")
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                command += [option, str(one)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 300  # for a command that hangs
    while process.poll() is None and time.monotonic() < deadline:
        if len(list((home() / "cells").glob("*/*.json"))) >= 5:
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {p: p.read_bytes() for p in (home() / "cells").glob("*/*.json")}
    assert 5 <= len(before) < 36
    Path("go").touch()
    made = distbench.run(**toy_options, seeds=6)
    assert made.computed == 36 - len(before)
    assert made.exit_code == 0 and len(made.rows) == 36
    assert all(p.read_bytes() == content for p, content in before.items())


def test_no_write_permission_is_one_clear_error(toy_options: Options) -> None:
    Path("runs").write_text("a file where a folder should be")
    with pytest.raises(MachineError, match=r"cannot go on: .*Finished cells are kept"):
        distbench.run(**toy_options)


def test_a_full_disk_keeps_finished_cells(
    toy_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from distbench.storage.row_store import RowStore

    put, calls = RowStore.put, []

    def full(self: RowStore, row: Row, predictions: Any = None) -> None:
        calls.append(row)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device", "/disk")
        put(self, row, predictions)

    monkeypatch.setattr(RowStore, "put", full)
    with pytest.raises(MachineError, match=r"No space left on device \(/disk\)"):
        distbench.run(**toy_options)
    monkeypatch.undo()
    assert len(calls) == 3, "it stops at once"


@pytest.mark.slow
def test_the_best_student_on_validation_is_shipped(toy_options: Options) -> None:
    from safetensors.numpy import load_file

    made = distbench.run(**{**toy_options, "save_student": True})
    for task, path in made.students.items():
        best = max(
            row.result.validation_accuracy or 0
            for row in made.rows
            if row.result and row.task.id == task
        )
        recipe = json.loads(path.with_name("model.json").read_text())
        assert recipe["input_size"] == 16
        tensors = load_file(path)
        assert tensors["head.weight"].shape == (3, 6)
        assert best <= 1
    assert set(made.students) == {"toy_task", "toy_task-hue-0.5"}
    kept = next((home() / "students").glob("*/*.safetensors"))
    kept.unlink()
    assert distbench.run(**{**toy_options, "save_student": True}).computed == 1


def test_rank_scores_without_training(toy_options: Options) -> None:
    ranking = distbench.rank(
        "toy_task:hue=0.5",
        "toy_zoo:broken=true",
        metric="by_name",
        strategy="nearest",
        plugin=toy_options["plugin"],
    )
    assert [r.source.name for r in ranking.sources] == ["toy-1", "toy-0"]
    assert [r.weight for r in ranking.sources] == [1.0, 0.0]
    assert set(ranking.excluded) == {"toy-2", "toy-nan"}
    assert not (home() / "cells").exists()


@pytest.mark.slow
def test_rank_and_run_agree(toy_options: Options) -> None:
    made = distbench.run(**toy_options, baseline="none")
    ran = next(r.result.sources for r in made.rows if r.result and r.task.id == "toy_task")
    ranking = distbench.rank(
        "toy_task", "toy_zoo", plugin=toy_options["plugin"], labelled="3-per-class"
    )
    assert {r.source.name: pytest.approx(r.score, rel=1e-5) for r in ranking.sources} == ran.scores


def test_a_reporter_that_fails_changes_nothing(toy_options: Options) -> None:
    made = distbench.run(
        **toy_options, distiller="none", baseline="finetune", reporter="diary:absent/diary.txt"
    )
    assert made.exit_code == 0
    assert made.warnings[0].startswith("reporter diary failed and was left out: No such file")


def test_what_cannot_start_writes_nothing(toy_options: Options) -> None:
    for wrong in ({"executor": "locla"}, {"reporter": "diari"}):
        with pytest.raises(UnknownNameError, match="Did you mean"):
            distbench.run(**{**toy_options, **wrong})
    assert not Path("runs").exists()
