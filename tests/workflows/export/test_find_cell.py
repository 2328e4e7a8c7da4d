"""Which cell a person means."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.storage.rows import Row
from distbench.workflows.export.best import best_on_validation, chosen
from distbench.workflows.export.find_cell import find_best, find_cell
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]


def test_by_id_by_key_and_by_its_beginning(run: Run) -> None:
    cell = run().plan.cells[0]
    for wanted in ("toy_task:finetune:0", cell.key, cell.key[:6]):
        assert find_cell(wanted)[1] == cell
        assert find_cell(wanted, Path("toy"))[0].folder == Path("runs/toy")
        assert find_cell(wanted, Path("runs/toy"))[1] == cell


def test_ids_are_of_the_latest_run_keys_of_any(run: Run) -> None:
    older = run().plan.cells[0]
    run(name="newer", steps=3)
    os.utime("runs/newer/rows.jsonl", (4e9, 4e9))
    assert find_cell("toy_task:finetune:0")[0].folder == Path("runs/newer")
    assert find_cell(older.key[:10])[0].folder == Path("runs/toy")
    with pytest.raises(UsageError, match="no cell"):
        find_cell(older.key[:10], Path("newer"))


def test_what_does_not_fit_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no run lies in 'runs'"):
        find_cell("toy_task:finetune:0")
    run(task=("toy_task", "toy_task:hue=0.5"))
    with pytest.raises(UsageError, match=r"Did you mean 'toy_task:finetune:0'.*Write TASK:METHOD"):
        find_cell("toy_task:finetun:0")
    with pytest.raises(UsageError, match="'nope' is no folder of a run"):
        find_cell("toy_task:finetune:0", Path("nope"))
    monkeypatch.setattr("distbench.workflows.export.find_cell._KEY", __import__("re").compile(""))
    with pytest.raises(UsageError, match=r"is not unique: \w{12} \(toy_task:finetune:0\), "):
        find_cell("")


def test_the_best_is_that_of_validation_and_it_is_said_why_it_is_not_first(run: Run) -> None:
    made = run(baseline=("finetune", "scratch"))

    def judged(number: int, validation: float | None, test: float) -> Row:
        row = made.rows[number]
        assert row.result
        values = {"validation_accuracy": validation, "accuracy": test}
        return row.model_copy(update={"result": row.result.model_copy(update=values)})

    one, other = judged(0, 0.5, 0.9), judged(1, 0.75, 0.8)
    assert best_on_validation([one, other]) == {"toy_task": other}
    assert best_on_validation([one, judged(1, None, 0.8)]) == {"toy_task": one}
    assert best_on_validation([one, judged(1, 0.5, 0.95)]) == {"toy_task": one}, "the first"
    said = chosen(other, [one, other])
    assert said.startswith("scratch, seed 0 (validation 75.0 % on ")
    assert "On test images finetune, seed 0 (validation 50.0 % on" in said
    assert "test 80.0 % on 30)" in said and "chosen on validation images" in said
    assert "chosen" not in chosen(one, [one, judged(1, 0.4, 0.9)])


def test_the_best_of_a_task_is_found(run: Run) -> None:
    made = run(baseline=("finetune", "scratch"))
    best = best_on_validation(made.rows)["toy_task"]
    assert find_best("toy_task")[1].key == best.key
    with pytest.raises(UsageError, match=r"no task 'toy_tsk'\. Did you mean 'toy_task'\?"):
        find_best("toy_tsk")
    told = CliRunner().invoke(app, ["export", "--best", "toy_task", "--to", "torch"])
    assert told.exit_code == 0, told.output
    assert f"of toy_task:{best.method.id}:0" in told.stdout
    for given in ([], ["toy_task:scratch:0", "--best", "toy_task"]):
        refused = CliRunner().invoke(app, ["export", *given, "--to", "torch"])
        assert refused.exit_code == 2, given
        assert "one of them" in refused.output
