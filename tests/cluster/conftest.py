"""The same run of 35 units by every executor: rows must be equal, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Results = dict[str, Any]
"""What a run computed: from the id of a cell to the result of its row."""
OPTIONS = (
    *("--suite", "mini", "--task", "mini-cub", "--steps", "30", "--seeds", "2"),
    *("--baseline", "finetune", "--name", "same"),
)
_LIMIT = 600.0
"""Seconds that no run lasts, even where the machine is busy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Driver:
    """A `distbench run` in a process of its own.

    Attributes:
        folder: Its working folder; the home is below it.
        process: The process.
    """

    folder: Path
    process: subprocess.Popen[str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def rows_so_far(self) -> int:
        return len(list((self.home / "cells").glob("*/*.json")))

    def ends(self) -> tuple[int, str]:
        """Exit code, and what it said."""
        said, _ = self.process.communicate(timeout=_LIMIT)
        return self.process.returncode, said

    def results(self) -> Results:
        lines = (self.folder / "runs" / "same" / "rows.jsonl").read_text().splitlines()
        rows = [row.get("row", row) for row in map(json.loads, lines)]
        return {f"{r['method']['id']}:{r['task']['id']}:{r['seed']}": r["result"] for r in rows}


@pytest.fixture
def drive(tmp_path: Path) -> Any:
    """Starts the run with an executor; what is still alive at the end is killed."""
    started: list[Driver] = []

    def start(
        executor: str,
        *more: str,
        folder: Path = tmp_path / "run",
        environment: Mapping[str, str] | None = None,
    ) -> Driver:
        folder.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "distbench", "run", *OPTIONS, "--executor", executor, *more],
            cwd=folder,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "DISTBENCH_HOME": str(folder / "home"),
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(Driver(folder, process))
        return started[-1]

    yield start
    for driver in started:
        driver.process.kill()
        driver.process.communicate()


Drive = Callable[..., Driver]


@pytest.fixture(scope="session")
def serial_results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the run gives in one process."""
    folder = tmp_path_factory.mktemp("serial")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DISTBENCH_HOME": str(folder / "home")}
    subprocess.run(
        [sys.executable, "-m", "distbench", "run", *OPTIONS, "--executor", "serial"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return Driver(folder, None).results()  # type: ignore[arg-type]
