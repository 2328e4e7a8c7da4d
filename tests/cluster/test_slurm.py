"""A real Slurm of two nodes, whose jobs take one unit after the other."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("submitit")
_spec = importlib.util.spec_from_file_location("slurm", Path(__file__).with_name("slurm.py"))
assert _spec is not None and _spec.loader is not None
slurm = importlib.util.module_from_spec(_spec)
sys.modules["slurm"] = slurm
_spec.loader.exec_module(slurm)
pytestmark = pytest.mark.skipif(bool(slurm.why_not()), reason=str(slurm.why_not()))
EXECUTOR = "slurm:2:gpus=1,patience=15"
LIMIT = 240.0
"""Seconds that nothing lasts, even where the machine is busy; less than jobs wait for a driver."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    started = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def begin(cluster: Any, drive: Any) -> Any:
    """Starts the run on the cluster; fake GPUs compute nothing, so the CPU does."""

    def start(executor: str = EXECUTOR, *more: str) -> Any:
        return drive(executor, *more, "--device", "cpu", environment=cluster.environment)

    return start


def pilots(cluster: Any, node: str) -> list[int]:
    """Pilots that run on a node, which are those whose process submitit started."""
    found = []
    for process in cluster.processes_of(node):
        command = slurm._proc(process, "cmdline")
        if b"submitit.core._submit" in command and b"srun" not in command:
            found.append(process)
    return found


def units_begun(driver: Any) -> int:
    return len(list((driver.home / "pilots").glob("*/errand-*.json")))


def until(true: Any) -> Any:
    end = time.monotonic() + LIMIT
    while not (found := true()):
        assert time.monotonic() < end, f"not within {LIMIT:g} s"
        time.sleep(0.1)
    return found


def is_over(driver: Any, cluster: Any) -> bool:
    """Neither files nor jobs are left."""
    left = cluster.asked("squeue", "-h")
    return not left and not list((driver.home / "pilots").glob("*"))


def test_the_same_rows(begin: Any, cluster: Any, serial_results: Any) -> None:
    driver = begin()
    code, said = driver.ends()
    assert code == 0, said
    assert "lost" not in said
    assert driver.results() == serial_results
    until(lambda: is_over(driver, cluster))


def test_a_pilot_that_is_killed(begin: Any, cluster: Any, serial_results: Any) -> None:
    driver = begin()
    until(lambda: units_begun(driver) == 2)
    time.sleep(4)
    os.kill(until(lambda: pilots(cluster, "n1") or pilots(cluster, "n2"))[0], signal.SIGKILL)
    code, said = driver.ends()
    assert code == 0, said
    # Whether a unit was lost depends on the moment: it may have been between two.
    assert driver.results() == serial_results


def test_a_node_that_is_gone(begin: Any, cluster: Any, serial_results: Any) -> None:
    driver = begin()
    node = until(lambda: next((n for n in slurm.NODES if pilots(cluster, n)), None))
    until(lambda: units_begun(driver) == 2)
    time.sleep(4)
    cluster.kill_node(node)
    code, said = driver.ends()
    cluster.start_node(node)
    assert code == 0, said
    assert "so it is tried again" in said
    assert driver.results() == serial_results
    until(lambda: cluster.asked("sinfo", "-h", "-o", "%T").split() == ["idle"])


def test_a_job_that_is_cancelled(begin: Any, cluster: Any, serial_results: Any) -> None:
    driver = begin()
    until(lambda: units_begun(driver) == 2)
    time.sleep(4)
    job = cluster.asked("squeue", "-h", "--array", "-o", "%i").split()[0]
    cluster.asked("scancel", job)
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results


def test_the_driver_killed_and_started_again(begin: Any, cluster: Any, serial_results: Any) -> None:
    draw = random.Random(0)
    for _ in range(5):
        driver = begin()
        time.sleep(draw.uniform(2, 12))
        os.killpg(driver.process.pid, signal.SIGKILL)
    driver = begin()
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results
    until(lambda: is_over(driver, cluster))


def test_an_interruption_leaves_nothing(begin: Any, cluster: Any) -> None:
    driver = begin()
    until(lambda: units_begun(driver) == 2)
    driver.process.send_signal(signal.SIGINT)
    code, said = driver.ends()
    assert code == 130, said
    until(lambda: is_over(driver, cluster))


def test_a_job_with_two_gpus_has_a_pilot_on_each(begin: Any, cluster: Any) -> None:
    driver = begin("slurm:1:gpus=2,cpus=1")
    seen = set()

    def both() -> bool:
        for node in slurm.NODES:
            for process in cluster.processes_of(node):
                if b"distbench.engine.worker" in slurm._proc(process, "cmdline"):
                    told = slurm._proc(process, "environ").split(b"\0")
                    seen.update(t for t in told if t.startswith(b"CUDA_VISIBLE_DEVICES="))
        return len(seen) == 2

    until(both)
    driver.process.send_signal(signal.SIGINT)
    driver.ends()
    assert seen == {b"CUDA_VISIBLE_DEVICES=0", b"CUDA_VISIBLE_DEVICES=1"}


def test_jobs_that_cannot_be_says_sbatch(begin: Any) -> None:
    code, said = begin("slurm:2:partition=nowhere").ends()
    assert code == 2, said
    assert "sbatch refused the jobs" in said and "invalid partition" in said
