"""What is said before the work where memory is short."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from distbench.cli.shown.progress import UnitProgress
from distbench.engine.processes.memory_estimate import memory_warning
from distbench.storage.system import memory
from distbench.storage.system.memory import free_memory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets what the system says of free memory, and of a container's limit and use."""

    def say(free: float, limit: str = "max", use: str = "0") -> None:
        files = {"meminfo": f"MemTotal: 1 kB\nMemAvailable: {free / 1024:.0f} kB\n"}
        files |= {"max": limit, "current": use}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
        group = (str(tmp_path / "max"), str(tmp_path / "current"))
        monkeypatch.setattr(memory, "_GROUPS", (group,))

    return say


def test_what_is_free_is_the_least_of_machine_and_container(machine) -> None:
    machine(8.192e9)
    assert free_memory() == 8.192e9
    machine(8.192e9, "2000000000", "500000000")
    assert free_memory() == 1.5e9
    machine(1.024e9, "2000000000", "500000000")
    assert free_memory() == 1.024e9
    machine(1.024e9, "5", "7")
    assert free_memory() == 0


def test_nothing_is_said_where_nothing_is_known(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(memory, "_GROUPS", ((str(tmp_path), str(tmp_path)),))
    assert free_memory() is None
    assert memory_warning(99, ()) is None


def test_too_many_workers_are_warned_of(machine) -> None:
    machine(2.048e9)
    assert memory_warning(4, ()) is None
    assert memory_warning(8, ()) == (
        "8 workers take about 4.0 GB of memory, at the least, and 2.0 GB are free; take fewer "
        "with --workers, or a smaller --batch"
    )


def row(peak: float | None, device: str) -> Any:
    return SimpleNamespace(
        cost=SimpleNamespace(peak_memory_mb=peak), environment={"device": device}
    )


def test_cells_before_tell_what_one_takes(machine) -> None:
    rows = [row(900, "cpu"), row(None, "cpu"), row(90_000, "cuda"), SimpleNamespace(cost=None)]
    machine(3000 * 2**20)
    assert memory_warning(3, rows) is None
    assert memory_warning(4, rows).startswith(
        "4 workers take about 3.8 GB of memory, as cells before did, and 3.1 GB are free"
    )


@pytest.mark.slow
def test_a_run_says_so_first(machine, toy_options, capsys: pytest.CaptureFixture[str]) -> None:
    from distbench.planning.config import RunConfig
    from distbench.workflows.run import execute

    machine(100e6)
    settings = {**toy_options, "executor": "local", "task": ("toy_task",), "workers": 1}
    settings |= {"baseline": ("scratch",), "distiller": ("none",)}
    with UnitProgress() as progress:
        execute(RunConfig(**settings), progress=progress)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: a worker takes about 500 MB of memory, at the least, and 100")
    assert rest[0].startswith("[1/")
