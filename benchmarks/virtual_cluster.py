"""A run on machines that there are not: ``python -m benchmarks.virtual_cluster``.

Units of a run of 28 sources and many methods go through the queue that every executor uses, and
through as many virtual workers as asked for. Nothing is computed: a unit takes a time that is
drawn, some take ten times as long, some workers are lost in the middle of one, and a node that
reads a task's images for the first time needs a while for that. Measured is what the queue itself
takes, in real seconds; simulated is how long the run lasts, in virtual ones.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peak_memory import _peak

from distbench import Outcome, Resources, Unit, UnitQueue

SECONDS = {"prepare": 300.0, "embed": 120.0, "score": 20.0, "cell": 240.0}
"""What a unit takes in the mean."""


@dataclass(frozen=True)
class Cluster:
    """Virtual workers.

    Attributes:
        workers: How many.
        a_node: How many of them share a node, and what lies on its disk.
        lost: Share of units whose worker is lost in the middle.
        stragglers: Share of units that take ten times as long.
        images: Seconds in which a node that has no images of a task gets them.
        near: Whether units of tasks that a node has are preferred.
        seed: Of all that is drawn.
    """

    workers: int = 1000
    a_node: int = 8
    lost: float = 0.002
    stragglers: float = 0.01
    images: float = 200.0
    near: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Simulated:
    """What came of a run.

    Attributes:
        units: How many there were.
        makespan: Virtual seconds from the first unit to the last.
        ideal: Virtual seconds that as many workers need at least: all that units take, divided
            among the workers, or the longest chain of units that wait for each other.
        fetched: How often a node got the images of a task.
        losses: Workers that were lost.
        failed: Units that did not end well.
        queue_seconds: Real seconds in the queue.
    """

    units: int
    makespan: float
    ideal: float
    fetched: int
    losses: int
    failed: int
    queue_seconds: float


def units_of(tasks: int, sources: int = 28, metrics: int = 10, cells: int = 460) -> list[Unit]:
    """Units as a plan has them: images, embeddings, scores, cells, task by task."""
    units: list[Unit] = []
    for number in range(tasks):
        task = f"task-{number}"
        prepare = Unit(f"prepare:{task}", kind="prepare", task=task)
        embeds = [
            Unit(f"embed:{task}:{i}", (prepare.id,), kind="embed", task=task)
            for i in range(sources)
        ]
        needed = tuple(unit.id for unit in embeds)
        scores = [
            Unit(f"score:{task}:{i}", needed, kind="score", resources=Resources(), task=task)
            for i in range(metrics)
        ]
        own = [
            Unit(f"cell:{task}:{i}", (scores[i % metrics].id,), kind="cell", task=task)
            for i in range(cells)
        ]
        units += [prepare, *embeds, *scores, *own]
    return units


def simulate(units: Sequence[Unit], cluster: Cluster) -> Simulated:
    """Has virtual workers do the units."""
    draw = random.Random(cluster.seed)
    takes = {
        unit.id: SECONDS[unit.kind]
        * draw.lognormvariate(-0.08, 0.4)
        * (10 if draw.random() < cluster.stragglers else 1)
        for unit in units
    }
    failed: list[str] = []
    queue = UnitQueue(
        units,
        Path("plan.json"),
        workers=None,
        retries=3,
        on_outcome=lambda o: failed.append(o.unit) if o.status == "failed" else None,
    )
    nodes: list[dict[str, None]] = [{} for _ in range(-(-cluster.workers // cluster.a_node))]
    ending: list[tuple[float, int, str, bool]] = []
    idle = list(range(cluster.workers - 1, -1, -1))
    now, fetched, losses, spent = 0.0, 0, 0, 0.0

    def take(worker: int) -> str | None:
        nonlocal spent
        near = reversed(nodes[worker // cluster.a_node]) if cluster.near else ()
        began = time.perf_counter()
        unit = queue.take(near=near)
        spent += time.perf_counter() - began
        return unit

    while queue.open:
        while idle and (unit := take(idle[-1])) is not None:
            worker = idle.pop()
            node = nodes[worker // cluster.a_node]
            task = queue[unit].task
            first = task not in node and queue[unit].kind != "score"
            fetched += first
            if first:
                node[task] = None
            whole = takes[unit] + cluster.images * first
            is_lost = draw.random() < cluster.lost
            heapq.heappush(
                ending, (now + whole * (draw.random() if is_lost else 1), worker, unit, is_lost)
            )
        now, worker, unit, is_lost = heapq.heappop(ending)
        began = time.perf_counter()
        queue.finish(Outcome(unit, "lost" if is_lost else "done"))
        spent += time.perf_counter() - began
        losses += is_lost
        idle.append(worker)
    return Simulated(
        len(units), now, _ideal(units, takes, cluster.workers), fetched, losses, len(failed), spent
    )


def _ideal(units: Sequence[Unit], takes: dict[str, float], workers: int) -> float:
    ends: dict[str, float] = {}
    for unit in units:
        ends[unit.id] = max((ends[need] for need in unit.needs), default=0.0) + takes[unit.id]
    return max(sum(takes.values()) / workers, *ends.values())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=200, help="each has 499 units")
    parser.add_argument("--workers", type=int, default=1000)
    given = parser.parse_args()
    began = time.perf_counter()
    units = units_of(given.tasks)
    _say(f"{len(units)} units on {given.workers} workers")
    for near in (True, False):
        found = simulate(units, Cluster(given.workers, near=near))
        _say(
            f"{'units near their images first' if near else 'in the order of the plan':31}"
            f"makespan {found.makespan / 3600:.2f} h, ideal {found.ideal / 3600:.2f} h; images "
            f"brought {found.fetched} times; {found.losses} workers lost, {found.failed} units "
            f"failed; queue {found.queue_seconds:.1f} s ({found.queue_seconds / found.ideal:.2%} "
            "of the ideal)"
        )
    _say(f"memory {_peak():.0f} MB; {time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    _main()
