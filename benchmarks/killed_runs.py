"""A run killed at random moments: ``python -m benchmarks.killed_runs --executor dask:tcp://...``.

A driver with `kill -9`, and by turns one of the processes that compute units, at moments that are
drawn; a driver that was killed is started again. At the end the run goes on undisturbed, and its
rows must be those of an undisturbed run with `serial`. Clusters are started by whoever calls this.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OPTIONS = (
    *("--suite", "mini", "--task", "mini-cub", "--steps", "30", "--seeds", "2"),
    *("--baseline", "finetune", "--name", "killed", "--device", "cpu", "--retries", "3"),
)


def begin(folder: Path, executor: str) -> subprocess.Popen[bytes]:
    """Starts the run, or goes on with it."""
    folder.mkdir(exist_ok=True)
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "distbench", "run", *OPTIONS, "--executor", executor],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "DISTBENCH_HOME": str(folder / "home")},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def results(folder: Path) -> dict[str, Any]:
    """What the run computed, by cell."""
    lines = (folder / "runs" / "killed" / "rows.jsonl").read_text().splitlines()
    rows = [row.get("row", row) for row in map(json.loads, lines)]
    return {f"{r['method']['id']} {r['task']['id']} {r['seed']}": r["result"] for r in rows}


def workers_of(folder: Path) -> list[int]:
    """Processes that compute units of the run, whoever started them."""
    plans = f"\0distbench.engine.worker\0{folder}/home/".encode()
    workers = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if plans in (process / "cmdline").read_bytes():
                workers.append(int(process.name))
        except OSError:
            continue
    return workers


def kill_at_random(folder: Path, executor: str, times: int, longest: float, seed: int) -> None:
    """Kills, so often, the driver and one of its workers by turns; tells what it does."""
    draw = random.Random(seed)
    driver = begin(folder, executor)
    for number in range(1, times + 1):
        time.sleep(draw.uniform(0, longest))
        ended = driver.poll() is not None
        workers = sorted(workers_of(folder))
        if number % 2 or ended or not workers:
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            what = "the driver" + (", which had ended" if ended else "")
            driver = begin(folder, executor)
        else:
            os.kill(draw.choice(workers), signal.SIGKILL)
            what = "a worker"
        rows = len(list((folder / "home" / "cells").glob("*/*.json")))
        sys.stderr.write(f"{number}. {what}; {rows} rows so far\n")
    if code := driver.wait():
        sys.exit(f"the run ended with {code}; see {folder / 'said.txt'}")


def main() -> None:
    """Says how often what was killed, how long it took, and whether rows are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--times", type=int, default=20, help="how often something is killed")
    parser.add_argument("--longest", type=float, default=15, help="seconds between two of them")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    if begin(folder / "serial", "serial").wait():
        sys.exit(f"the undisturbed run failed; see {folder / 'serial' / 'said.txt'}")
    started = time.monotonic()
    kill_at_random(folder / "run", given.executor, given.times, given.longest, given.seed)
    seconds, equal = (
        time.monotonic() - started,
        results(folder / "run") == results(folder / "serial"),
    )
    killed = f"killed {given.times} times, {seconds:.0f} s"
    sys.stdout.write(f"{given.executor}: {killed}, rows equal: {equal}\n")
    sys.exit(not equal)


if __name__ == "__main__":
    main()
