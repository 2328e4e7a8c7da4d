"""Worker processes of this machine."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import Any


def workers_of(driver: int) -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-P", str(driver), "-f", "distbench.engine.worker"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(pid) for pid in listed.stdout.split()]


def test_the_same_rows(drive: Any, serial_results: Any) -> None:
    driver = drive("local", "--workers", "2")
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results


def test_a_worker_that_is_killed_costs_nothing_but_time(drive: Any, serial_results: Any) -> None:
    driver = drive("local", "--workers", "2")
    while not (found := workers_of(driver.process.pid)):
        time.sleep(0.1)
    time.sleep(6)
    os.kill(found[0], signal.SIGKILL)
    code, said = driver.ends()
    assert code == 0, said
    assert "lost: the worker died with exit code -9" in said
    assert "so it is tried again" in said
    assert driver.results() == serial_results


def test_the_driver_killed_at_random_moments_and_started_again(
    drive: Any, serial_results: Any
) -> None:
    draw = random.Random(0)
    for _ in range(20):
        driver = drive("local", "--workers", "2")
        try:
            driver.process.wait(timeout=draw.uniform(0.5, 6))
            break
        except subprocess.TimeoutExpired:
            os.killpg(driver.process.pid, signal.SIGKILL)
    driver = drive("local", "--workers", "2")
    code, said = driver.ends()
    assert code == 0, said
    assert driver.results() == serial_results
