"""How long distbench itself takes: planning, and a run of which everything is cached.

`make bench` prints the table. The cached run is timed as a process of its own, imports included.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan

TOYS = Path(__file__).parents[1] / "tests" / "toys.py"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield


def test_planning_ten_thousand_cells(benchmark: Callable[..., Any]) -> None:
    powers = tuple(f"weighted:power={p}" for p in range(1, 25))
    config = RunConfig.make(suite="mini", strategy=powers, baseline=("finetune",), seeds=50)
    plan = benchmark.pedantic(make_plan, (config,), rounds=5, warmup_rounds=1)  # type: ignore[attr-defined]
    assert len(plan.cells) == 25 * 8 * 50


def test_reading_a_plan_of_ten_thousand_cells(benchmark: Callable[..., Any]) -> None:
    from distbench.planning.plan import Plan

    powers = tuple(f"weighted:power={p}" for p in range(1, 25))
    config = RunConfig.make(suite="mini", strategy=powers, baseline=("finetune",), seeds=50)
    text = make_plan(config).to_json()
    plan = benchmark(Plan.from_json, text)
    assert len(plan.cells) == 25 * 8 * 50


def test_a_cached_run(benchmark: Callable[..., Any]) -> None:
    command = [sys.executable, "-m", "distbench", "run", "--plugin", str(TOYS)]
    for task in range(8):
        command += ["--task", f"toy_task:hue={task / 10}"]
    command += ["--zoo", "toy_zoo", "--student", "toy_student", "--image-size", "16"]
    command += ["--steps", "2", "--batch", "4", "--seeds", "3", "--no-save-student"]
    subprocess.run(command, check=True, capture_output=True)
    done = benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: subprocess.run(command, check=True, capture_output=True, text=True), rounds=5
    )
    assert "72 cells, 0 computed now" in done.stdout


def test_a_cached_ranking(benchmark: Callable[..., Any]) -> None:
    command = [sys.executable, "-m", "distbench", "rank", "--task", "mini-cub", "--zoo", "mini"]
    subprocess.run(command, check=True, capture_output=True)
    benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: subprocess.run(command, check=True, capture_output=True), rounds=5
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list", "tasks"]])
def test_starting(benchmark: Callable[..., Any], arguments: list[str]) -> None:
    command = [sys.executable, "-m", "distbench", *arguments]
    benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: subprocess.run(command, check=True, capture_output=True), rounds=9
    )
