"""What reporters are told, when, and that they can harm nothing."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.errors import InterruptedRunError, MachineError, UsageError
from distbench.storage.row_store import RowStore

Options = dict[str, Any]

PLUGIN = """
from distbench import Reporter, UsageError

class Picky(Reporter):
    \"\"\"Cannot work.\"\"\"
    how: str = "usage"
    def check(self):
        if self.how == "usage":
            raise UsageError("reporter picky needs more; give it more")
        raise OSError("no route")

class Clumsy(Reporter):
    \"\"\"Fails in one hook.\"\"\"
    hook: str = "started"
    def _fall(self, hook):
        if hook == self.hook:
            raise RuntimeError("fell in " + hook)
    def started(self, run): self._fall("started")
    def cell_started(self, cell): self._fall("cell_started")
    def cell_finished(self, row): self._fall("cell_finished")
    def finished(self, folder): self._fall("finished")
"""


@pytest.fixture
def short(toy_options: Options, tmp_path: Path) -> Options:
    """One method on two tasks, with reporters of a plugin file."""
    file = tmp_path / "reporters_here.py"
    file.write_text(PLUGIN)
    plugin = (*toy_options["plugin"], file)
    return {**toy_options, "plugin": plugin, "distiller": "none", "baseline": "finetune"}


def diary() -> list[str]:
    file = Path("diary.txt")
    lines = file.read_text().splitlines()
    file.unlink()
    return lines


@pytest.mark.slow
def test_a_resumed_run_is_told_as_such(short: Options) -> None:
    distbench.run(**{**short, "task": ("toy_task",)}, reporter="diary")
    assert diary() == [
        "started 1 of 1", "cell toy_task:finetune:0", "finetune done", "finished",
    ]  # fmt: skip
    distbench.run(**short, reporter="diary")
    assert diary() == [
        "started 1 of 2", "finetune cached", "cell toy_task-hue-0.5:finetune:0",
        "finetune done", "finished",
    ]  # fmt: skip
    distbench.run(**short, reporter="diary")
    assert diary() == ["started 0 of 2", "finetune cached", "finetune cached", "finished"]


def test_a_failed_cell_is_told_with_its_reason_and_tried_again(short: Options) -> None:
    broken = {**short, "task": ("toy_task",), "baseline": "misbehaving"}
    for _ in range(2):
        distbench.run(**broken, reporter="diary")
        failed = "misbehaving failed: plugin 'misbehaving': phases: RuntimeError: on purpose"
        assert diary() == ["started 1 of 1", "cell toy_task:misbehaving:0", failed, "finished"]


def test_a_declined_cell_is_finished(short: Options) -> None:
    distbench.run(**{**short, "task": ("toy_task",), "baseline": "peeker"}, reporter="diary")
    assert diary()[2] == "peeker declined"


def test_a_stopped_run_is_told(short: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/disk")

    monkeypatch.setattr(RowStore, "put", full)
    with pytest.raises(MachineError):
        distbench.run(**short, reporter="diary")
    assert diary()[-1].startswith("stopped: cannot go on: No space left on device (/disk)")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distbench.workflows.run.write_tables", interrupted)
    monkeypatch.setattr(RowStore, "put", lambda *_: None)
    with pytest.raises(InterruptedRunError):
        distbench.run(**short, reporter="diary")
    assert diary()[-1] == "stopped: interrupted"


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["started", "cell_started", "cell_finished", "finished"])
def test_a_reporter_that_fails_is_left_out_and_changes_nothing(short: Options, hook: str) -> None:
    plain = distbench.run(**{**short, "name": "plain"})
    for row in plain.rows:
        RowStore(distbench.home() / "cells").path(row.key).unlink()
    made = distbench.run(**short, reporter=(f"clumsy:hook={hook}", "diary"))
    assert made.warnings == (
        f"reporter clumsy failed and was left out: RuntimeError: fell in {hook}",
    )
    assert [row.result for row in made.rows] == [row.result for row in plain.rows]
    assert diary()[-1] == "finished", "others are told on"


def test_a_reporter_that_cannot_work_stops_before_anything(short: Options) -> None:
    with pytest.raises(UsageError, match="reporter picky needs more; give it more"):
        distbench.run(**short, reporter="picky")
    with pytest.raises(UsageError, match="reporter picky cannot work here: OSError: no route"):
        distbench.run(**short, reporter="picky:how=other")
    assert not Path("runs").exists()
    assert not (distbench.home() / "cells").exists()
