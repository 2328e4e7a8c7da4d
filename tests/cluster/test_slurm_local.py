"""The executor `slurm` without Slurm: its jobs are processes of this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("submitit")
EXECUTOR = "slurm:2:cluster=local,patience=20"
LIMIT = 240.0
"""Seconds that nothing lasts, even where the machine is busy; less than jobs wait for a driver."""


def processes(driver: Any, command: bytes) -> list[int]:
    """Processes of a run with this in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = f"DISTBENCH_HOME={driver.home}".encode() in (folder / "environ").read_bytes()
            if ours and command in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def pilots(driver: Any) -> list[int]:
    return processes(driver, b"submitit.core._submit")


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + LIMIT
    while not (found := true()):
        assert time.monotonic() < end, f"not within {LIMIT:g} s"
        time.sleep(0.1)
    return found


def test_the_same_rows(drive: Any, serial_results: Any) -> None:
    driver = drive(EXECUTOR)
    code, said = driver.ends()
    assert code == 0, said
    assert "lost" not in said
    assert driver.results() == serial_results
    assert not processes(driver, b"") and not list((driver.home / "pilots").glob("*"))


@pytest.mark.parametrize("what", ["submitit.core._submit", "distbench.engine.worker"])
def test_a_pilot_or_its_worker_killed(drive: Any, serial_results: Any, what: str) -> None:
    driver = drive(EXECUTOR)
    until(lambda: len(processes(driver, b"distbench.engine.worker")) == 2)
    time.sleep(4)
    os.kill(until(lambda: processes(driver, what.encode()))[0], signal.SIGKILL)
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results


def test_the_driver_killed(drive: Any, serial_results: Any) -> None:
    driver = drive(EXECUTOR)
    until(lambda: len(processes(driver, b"distbench.engine.worker")) == 2)
    os.kill(driver.process.pid, signal.SIGKILL)
    until(lambda: not processes(driver, b""))
    driver = drive(EXECUTOR)
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results
    assert not list((driver.home / "pilots").glob("*"))


def test_an_interruption_ends_all(drive: Any) -> None:
    driver = drive(EXECUTOR)
    until(lambda: len(pilots(driver)) == 2)
    driver.process.send_signal(signal.SIGINT)
    code, said = driver.ends()
    assert code == 130, said
    assert not processes(driver, b"") and not list((driver.home / "pilots").glob("*"))
