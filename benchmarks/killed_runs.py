"""A run killed at random moments: ``python -m benchmarks.killed_runs --executor dask:tcp://...``.

With `kill -9`, at moments that are drawn: a quarter of them before the first row, the others spread
from the first row to the last. Half of the time it is the driver, which is started again; else a
process that computes a unit, or the process of an engine that keeps one (Dask's worker, Ray's, that
of a Slurm job, the step that it runs in). At the end the run goes on undisturbed, and its rows must
be those of an undisturbed run with `serial`. Clusters are started by whoever calls this.
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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

METHODS, SEEDS = 3, 6
CELLS = METHODS * SEEDS
OPTIONS = (
    *("--suite", "mini", "--task", "mini-cub", "--steps", "30", "--seeds", str(SEEDS)),
    *("--baseline", "finetune", "--baseline", "fixmatch", "--name", "killed", "--device", "cpu"),
)
_STUCK = 900.0
"""Seconds of waiting after which the run is taken to hang."""


def _proc(process: int, what: str) -> bytes:
    """A file of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""


def _parent(process: int) -> int:
    fields = _proc(process, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


@dataclass
class Run:
    """A run and its driver, which is started again where it was killed.

    Attributes:
        folder: Where it lies.
        executor: Who gets it computed.
        retries: How often a unit may be lost.
        killed: How often what was killed.
    """

    folder: Path
    executor: str
    retries: int = 0
    killed: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Starts the run, or goes on with it."""
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "distbench", "run", *OPTIONS]
        command += ["--executor", self.executor, "--retries", str(self.retries)]
        home = str(self.folder / "home")
        with self.said.open("ab") as said:
            self.driver = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", "DISTBENCH_HOME": home},
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def said(self) -> Path:
        """What the driver says, all of them."""
        return self.folder / "said.txt"

    def ends(self) -> None:
        """Waits for the end, which must be a good one."""
        if code := self.driver.wait():
            sys.exit(f"the run with {self.executor} ended with {code}; see {self.said}")

    def rows(self) -> int:
        """How many cells are finished."""
        return len(list((self.folder / "home" / "cells").glob("*/*.json")))

    def has(self, rows: int) -> bool:
        """Whether so many cells are finished."""
        return self.rows() >= rows

    def results(self) -> dict[str, Any]:
        """What was computed, by cell."""
        lines = (self.folder / "runs" / "killed" / "rows.jsonl").read_text().splitlines()
        rows = [row.get("row", row) for row in map(json.loads, lines)]
        return {f"{r['method']['id']} {r['task']['id']} {r['seed']}": r["result"] for r in rows}

    def waits_for(self, condition: Callable[[], object]) -> None:
        """Waits until something holds, or the driver has ended."""
        since = time.monotonic()
        while not condition() and self.driver.poll() is None:
            if time.monotonic() - since > _STUCK:
                sys.exit(f"nothing for {_STUCK:g} s, {self.rows()} rows so far; see {self.said}")
            time.sleep(0.05)

    def kill(self, draw: random.Random, kind: str) -> None:
        """Kills the driver, or something that works for it; tells what."""
        targets = {"driver": {self.driver.pid}} if kind == "driver" else self.at_work()
        if not targets:
            return
        kind = draw.choice(sorted(targets))
        process = draw.choice(sorted(targets[kind]))
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            kind = "nothing, it had just ended"
        if process == self.driver.pid:
            self.driver.wait()
            self.begin()
        self.killed[kind] += 1
        sys.stderr.write(f"{self.killed.total()}. {kind}; {self.rows()} rows so far\n")

    def at_work(self) -> dict[str, set[int]]:
        """What works for the driver now: processes by what they are."""
        targets: dict[str, set[int]] = {}
        plans = f"\0distbench.engine.worker\0{self.folder}/home/".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            worker = int(folder.name)
            if plans not in _proc(worker, "cmdline"):
                continue
            targets.setdefault("worker", set()).add(worker)
            keeper = _parent(worker)
            if keeper in (0, 1, self.driver.pid):
                continue
            targets.setdefault("keeper", set()).add(keeper)
            if _proc(above := _parent(keeper), "cmdline").startswith(b"slurmstepd"):
                targets.setdefault("step", set()).add(above)
        return targets


def kill_at_random(run: Run, times: int, longest: float, seed: int) -> None:
    """Kills so often while the run lasts, and waits for its end."""
    draw = random.Random(seed)
    early = [CELLS / 3] + [1.0] * (CELLS - 1)
    run.begin()
    for rows in sorted(draw.choices(range(CELLS), early, k=times)):
        kind = draw.choice(["driver", "what works for it"])
        run.waits_for(partial(run.has, rows))
        if kind != "driver":
            run.waits_for(run.at_work)
        time.sleep(draw.uniform(0, longest))
        if run.driver.poll() is not None:
            break
        run.kill(draw, kind)
    run.ends()


def timed(what: Callable[[], None]) -> float:
    """Seconds that something takes."""
    started = time.monotonic()
    what()
    return time.monotonic() - started


def main() -> None:
    """Says how often what was killed, how long it took, and whether rows are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--times", type=int, default=20, help="how often something is killed")
    parser.add_argument(
        "--longest", type=float, default=5, help="seconds that are waited at most before each"
    )
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    serial = Run(folder / "serial", "serial")
    serial.begin()
    undisturbed = timed(serial.ends)
    run = Run(folder / "run", given.executor, retries=given.times)
    seconds = timed(lambda: kill_at_random(run, given.times, given.longest, given.seed))
    equal = run.results() == serial.results()
    what = ", ".join(f"{kind} {times}" for kind, times in sorted(run.killed.items()))
    sys.stdout.write(
        f"{given.executor}: killed {run.killed.total()} times ({what}) in {seconds:.0f} s, "
        f"{len(run.results())} cells; serial undisturbed {undisturbed:.0f} s; "
        f"rows equal: {equal}\n"
    )
    sys.exit(not equal)


if __name__ == "__main__":
    main()
