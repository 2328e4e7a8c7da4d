"""A Ray cluster of two nodes, which are two raylets of this machine."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .engines import Daemon, free_port, units_at_work, waits_until

pytest.importorskip("ray", reason="ray is not installed: pip install 'distbench[ray]'")

_OPTIONS = (
    *("--block", "--num-cpus=1", "--num-gpus=1"),
    *("--disable-usage-stats", "--object-store-memory=100000000"),
)
# Else a token of the machine's user is asked for, where there is one.
_TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


class Cluster:
    """A head and another node, as soon as both are there."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._nodes = folder, dict[str, Daemon]()
        # 127.0.0.1 is replaced by the machine's own address.
        self.address = f"127.0.0.2:{free_port()}"

    def begin(self) -> None:
        port = self.address.rpartition(":")[2]
        head = ("--head", f"--port={port}", "--include-dashboard=false")
        self._start("head", 2, *head, f"--temp-dir={self._folder}")
        self._start("other", 3, f"--address={self.address}")

    def _start(self, name: str, number: int, *options: str) -> None:
        # Raylets of one machine would hand out the same ports.
        first = 18000 + 1000 * number
        ports = (f"--min-worker-port={first}", f"--max-worker-port={first + 999}")
        own = (f"--node-ip-address=127.0.0.{number}", *ports, *options)
        command = ["-m", "ray.scripts.scripts", "start", *_OPTIONS, *own]
        log = self._folder / f"{name}.log"
        self._nodes[name] = Daemon(command, log, _TOKEN)
        waits_until(lambda: "Ray runtime started" in log.read_text())

    def kill(self, *names: str) -> None:
        for name in names or tuple(self._nodes):
            self._nodes[name].kill()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Ray's sockets lie there, whose names may not be long.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.begin()
            yield cluster
        finally:
            cluster.kill()


@pytest.fixture
def start(drive: Any, cluster: Cluster) -> Any:
    return lambda *more: drive(f"ray:{cluster.address}", *more, environment=_TOKEN)


def test_the_same_rows_quietly_and_offline(start: Any, serial_results: Any) -> None:
    driver = start("--offline")
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results
    assert not [line for line in said.splitlines() if "ray" in line.lower()], said
    assert not units_at_work(driver.home)


def test_the_driver_killed_and_interrupted_and_started_again(
    start: Any, serial_results: Any
) -> None:
    driver = start()
    waits_until(lambda: units_at_work(driver.home))
    os.killpg(driver.process.pid, signal.SIGKILL)
    waits_until(lambda: not units_at_work(driver.home))
    driver = start()
    waits_until(lambda: units_at_work(driver.home))
    driver.process.send_signal(signal.SIGINT)
    code, said = driver.ends()
    assert code == 130, said
    assert "interrupted; finished cells are kept" in said
    waits_until(lambda: not units_at_work(driver.home))
    driver = start()
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results


def test_a_unit_that_takes_too_long_fails(start: Any) -> None:
    driver = start("--timeout", "0.01")
    code, said = driver.ends()
    assert code == 1, said
    assert "0.01 s" in said


def test_what_is_killed_costs_nothing_but_time(
    start: Any, serial_results: Any, cluster: Cluster
) -> None:
    """First the process of a unit; then those of Ray's, of which one may have none; then a node.

    The last of these tests, since all share a cluster and the node does not come again.
    """
    driver = start("--retries", "3")
    waits_until(lambda: units_at_work(driver.home))
    units_at_work(driver.home)[0].kill()
    waits_until(lambda: len(units_at_work(driver.home)) == 2)
    before = units_at_work(driver.home)
    for keeper in {process.parent() for process in before}:
        keeper.kill()
    waits_until(lambda: len(set(units_at_work(driver.home)) - set(before)) == 2)
    cluster.kill("other")
    code, said = driver.ends()
    assert code == 0, said
    assert "lost: the worker died with exit code -9" in said
    assert "lost: Ray lost it: WorkerCrashedError" in said
    assert "so it is tried again" in said
    assert driver.results() == serial_results
