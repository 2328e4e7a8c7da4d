"""Units that are computed elsewhere: on other GPUs, other machines, with other variables."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import UsageError, execute_unit, visible_gpus
from distbench.engine.handed_over import handed_over, take_over
from distbench.engine.records import ledger as ledgers
from distbench.interfaces.execution.unit import Outcome
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.plugins.shipped_files import plugin_here, ship
from distbench.plugins.source_code import plugin_file_digest
from distbench_builtin.executors import local
from distbench_builtin.executors.local import Local

Options = dict[str, Any]


def test_gpus_are_those_that_this_process_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-ab")
    assert visible_gpus(tmp_path) == ["3", "GPU-ab"]
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert visible_gpus(tmp_path) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus(tmp_path / "none") == []


def test_a_worker_for_each_gpu_or_for_each_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "usable_cores", lambda: 6)
    monkeypatch.setattr(local, "visible_gpus", list)
    assert [Local().capacity("auto", threads) for threads in (1, 4, 8)] == [6, 1, 1]
    monkeypatch.setattr(local, "visible_gpus", lambda: ["0", "1", "2", "3"])
    assert Local().capacity("auto", 1) == 4
    assert Local().capacity("cuda", 1) == 4
    assert Local().capacity("cuda:2", 1) == 1  # the one that was asked for
    assert Local().capacity("cpu", 1) == 6
    assert Local().capacity("mps", 1) == 1
    shared = Local(cells_per_gpu=3)
    assert [shared.capacity(device, 1) for device in ("auto", "cuda:2", "cpu")] == [12, 3, 6]
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Local(cells_per_gpu=0)


PLUGIN = """
import os
from pathlib import Path
from distbench import Baseline, home
from distbench_builtin.baselines.finetune import FineTune

class Sees(FineTune):
    "Says which GPUs it sees, and dies where it is told to, the first time."
    dies: bool = False
    def phases(self, context):
        marks = home() / "marks"
        marks.mkdir(exist_ok=True)
        (marks / f"{os.getpid()}.txt").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
        if self.dies and not (marks / "died").exists():
            (marks / "died").touch()
            os.kill(os.getpid(), 9)
        return super().phases(context)
"""


@pytest.fixture
def options(toy_options: Options, tmp_path: Path) -> Options:
    file = tmp_path / "sees.py"
    file.write_text(PLUGIN)
    return {
        **toy_options,
        "plugin": (*toy_options["plugin"], file),
        "task": ("toy_task",),
        "distiller": "none",
        "executor": "local",
    }


@pytest.mark.slow
def test_each_worker_sees_a_gpu_of_its_own(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without any: PyTorch finds none of those that are named, and takes the CPU."""
    monkeypatch.setattr(local, "visible_gpus", lambda: ["4", "7"])
    made = distbench.run(**options, baseline="sees", seeds=4)
    assert [row.status for row in made.rows] == ["done"] * 4
    seen = [file.read_text() for file in (distbench.home() / "marks").glob("*.txt")]
    assert sorted(seen) == ["4", "7"]


@pytest.mark.slow
def test_as_many_workers_as_asked_for_share_a_gpu(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "visible_gpus", lambda: ["4"])
    given = {**options, "executor": "local:cells_per_gpu=2"}
    made = distbench.run(**given, baseline="sees", seeds=4)
    assert [row.status for row in made.rows] == ["done"] * 4
    seen = [file.read_text() for file in (distbench.home() / "marks").glob("*.txt")]
    assert seen == ["4", "4"]


@pytest.mark.slow
def test_the_unit_of_a_worker_that_was_killed_is_done_by_another(options: Options) -> None:
    made = distbench.run(**options, baseline="sees:dies=true", workers=1)
    assert [row.status for row in made.rows] == ["done"]
    shutil.rmtree(distbench.home() / "marks")
    given = {**options, "baseline": "sees:dies=true,lr=0.02", "workers": 1, "retries": 0}
    (row,) = distbench.run(**given).rows
    assert row.status == "failed"
    assert "the worker died with exit code -9" in (row.reason or "")


def test_variables_go_with_a_unit_and_leave_with_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", "/hub")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setenv("DISTBENCH_STORE", "s3://bucket")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    given = handed_over(3)
    assert given["DISTBENCH_STORE"] == "s3://bucket" and "secret" not in given.values()
    assert given["DISTBENCH_HOME"] == str(distbench.home())
    assert (given["HF_HOME"], given["OMP_NUM_THREADS"]) == ("/hub", "3")
    assert "HF_ENDPOINT" not in given
    take_over({"DISTBENCH_HOME": str(tmp_path), "HF_ENDPOINT": "there"})
    assert (distbench.home(), os.environ["HF_ENDPOINT"]) == (tmp_path, "there")
    take_over({})
    assert "HF_ENDPOINT" not in os.environ
    assert str(distbench.home()) == given["DISTBENCH_HOME"]


def test_a_unit_says_where_it_was_computed(toy_options: Options, tmp_path: Path) -> None:
    plan = make_plan(RunConfig.make(**{**toy_options, "task": ("toy_task",)}))
    path = plan.keep(distbench.home())
    elsewhere = {"DISTBENCH_HOME": str(tmp_path / "elsewhere")}
    outcome = execute_unit(path, "prepare:toy_task", elsewhere)
    take_over({})
    assert outcome.status == "done", outcome.reason
    assert outcome.host and outcome.home == str(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "artifacts" / "images").is_dir()


def test_done_without_a_row_is_a_failure_that_names_both_homes(
    toy_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(RunConfig.make(**{**toy_options, "task": ("toy_task",)}))
    ledger = ledgers.Ledger(plan)
    waited: list[float] = []
    monkeypatch.setattr(ledgers, "SEEN_AFTER", 1.0)
    monkeypatch.setattr(ledgers.time, "sleep", waited.append)
    monkeypatch.setattr(ledgers.time, "monotonic", lambda: 0.5 * len(waited))
    outcome = Outcome(plan.cells[0].id, "done", host="node7", home="/scratch/me")
    row = ledgers.row_of(ledger, plan.cells[0], outcome)
    assert row.status == "failed"
    assert f"its row is not in {distbench.home()}" in (row.reason or "")
    assert "on node7, where $DISTBENCH_HOME is /scratch/me" in (row.reason or "")
    assert len(waited) == 2  # a network's file system may show it later
    ledgers.row_of(ledger, plan.cells[1], replace(outcome, unit=plan.cells[1].id, host=""))
    assert len(waited) == 2  # this one shows it at once


def test_a_plugin_is_found_beside_the_plan_where_its_path_is_not(
    toy_options: Options, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    plugin = tmp_path / "mine" / "one.py"
    plugin.write_text("import two\n")
    (tmp_path / "mine" / "two.py").write_text("x = 1\n")
    digest = plugin_file_digest(plugin)
    root = tmp_path / "home"
    ship({str(plugin): digest}, root)
    assert plugin_here(str(plugin), digest, root) == plugin
    (tmp_path / "mine").rename(tmp_path / "gone")
    there = plugin_here(str(plugin), digest, root)
    assert there.read_text() == "import two\n" and there.is_relative_to(root)
    assert (there.parent / "two.py").is_file()
    there.write_text("import two, os\n")
    with pytest.raises(UsageError, match="was edited after the run was planned"):
        plugin_here(str(plugin), digest, root)


def test_an_executor_elsewhere_is_not_asked_for_a_device(
    toy_options: Options, tmp_path: Path
) -> None:
    """The machine that starts a run need not have the GPU that computes it."""
    (tmp_path / "far.py").write_text(
        "from distbench import Executor, Outcome\n"
        "class Far(Executor):\n"
        "    'Hands everything to nobody.'\n"
        "    @property\n"
        "    def here(self):\n"
        "        return False\n"
        "    def drain(self, queue):\n"
        "        while queue.open and (unit := queue.take()):\n"
        "            queue.finish(Outcome(unit, 'failed', f'asked for {queue.device}'))\n"
    )
    given = {**toy_options, "plugin": (*toy_options["plugin"], tmp_path / "far.py")}
    made = distbench.run(**{**given, "executor": "far"}, device="cuda:0", distiller="none")
    assert {"asked for cuda:0" in (row.reason or "") for row in made.rows} == {True}
    with pytest.raises(UsageError, match="--device cuda:0 cannot be used here"):
        distbench.run(**{**toy_options, "executor": "serial"}, device="cuda:0")


@pytest.mark.parametrize("home", ["s3://bucket/x", "gs://b"])
def test_an_address_is_no_home(home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", home)
    with pytest.raises(UsageError, match=r"is an address and no folder.* DISTBENCH_STORE an obj"):
        distbench.home()
    assert json.dumps([path.name for path in tmp_path.iterdir()]) == '["work"]'
