"""A Dask scheduler and two workers, each a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .engines import Daemon, free_port, units_at_work, waits_until

pytest.importorskip("distributed", reason="dask is not installed: pip install 'distbench[dask]'")


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
        self.scheduler = self._start("scheduler", scheduler)
        self.workers = [self.add_worker("one"), self.add_worker("two")]

    def add_worker(self, name: str) -> Daemon:
        options = ["--nthreads", "1", "--nworkers", "1", "--no-dashboard", "--name", name]
        # So little that Dask would pause a worker that computes by itself.
        options += ["--memory-limit", "500MB", "--local-directory", str(self.folder / name)]
        return self._start(name, ["worker", self.address, *options])

    def _start(self, name: str, command: list[str]) -> Daemon:
        return Daemon(["-m", "dask", *command], self.folder / f"{name}.log")

    def kill(self) -> None:
        for daemon in (*self.workers, self.scheduler):
            daemon.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "dask").mkdir()
    cluster = Cluster(tmp_path / "dask")
    yield cluster
    cluster.kill()


def test_the_same_rows_quietly_and_offline(
    drive: Any, serial_results: Any, cluster: Cluster
) -> None:
    driver = drive(f"dask:{cluster.address}", "--offline")
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results
    assert not [line for line in said.splitlines() if "distributed" in line or "dask" in line], said
    assert not units_at_work(driver.home)


def test_what_is_killed_costs_nothing_but_time(
    drive: Any, serial_results: Any, cluster: Cluster
) -> None:
    """First the process of a unit, which is lost; then a worker; then a node for good."""
    driver = drive(f"dask:{cluster.address}")
    waits_until(lambda: units_at_work(driver.home))
    units_at_work(driver.home)[0].kill()
    waits_until(lambda: len(units_at_work(driver.home)) == 2)
    _, worker, *_ = (p for p in cluster.workers[0].family() if "resource_tracker" not in name(p))
    worker.kill()
    waits_until(lambda: len(units_at_work(driver.home)) == 2)
    cluster.workers[1].kill()
    code, said = driver.ends()
    assert code == 0, said
    assert "lost: the worker died with exit code -9" in said
    assert "so it is tried again" in said
    assert driver.results() == serial_results


def name(process: Any) -> str:
    return " ".join(process.cmdline())


def test_the_driver_killed_and_started_again(
    drive: Any, serial_results: Any, cluster: Cluster
) -> None:
    driver = drive(f"dask:{cluster.address}")
    waits_until(lambda: units_at_work(driver.home))
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver = drive(f"dask:{cluster.address}")
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results


def test_a_worker_that_comes_later_is_used_and_an_interruption_leaves_nothing(
    drive: Any, cluster: Cluster
) -> None:
    for worker in cluster.workers:
        worker.kill()
    driver = drive(f"dask:{cluster.address}")
    cluster.workers.append(cluster.add_worker("three"))
    waits_until(lambda: units_at_work(driver.home))
    driver.process.send_signal(signal.SIGINT)
    code, said = driver.ends()
    assert code == 130, said
    assert "interrupted; finished cells are kept" in said
    assert not units_at_work(driver.home)


def test_without_a_worker_or_a_scheduler_the_run_ends(drive: Any, cluster: Cluster) -> None:
    driver = drive(f"dask:{cluster.address}:patience=3")
    waits_until(lambda: units_at_work(driver.home))
    for worker in cluster.workers:
        worker.kill()
    code, said = driver.ends()
    assert code == 1, said
    assert "there was no Dask worker for 3 s" in said
    driver = drive(f"dask:{cluster.address}")
    cluster.workers.append(cluster.add_worker("three"))
    waits_until(lambda: units_at_work(driver.home))
    cluster.scheduler.kill()
    code, said = driver.ends()
    assert code == 1, said
    assert "the Dask scheduler is gone" in said


def test_a_unit_that_takes_too_long_fails(drive: Any, cluster: Cluster) -> None:
    driver = drive(f"dask:{cluster.address}", "--timeout", "0.01")
    code, said = driver.ends()
    assert code == 1, said
    assert "0.01 s" in said
    assert not units_at_work(driver.home)
