"""Which cell a person means."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from distbench.errors import UsageError
from distbench.workflows.export.find_cell import find_cell
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
