"""What it costs to be good: each method's mean against its compute, and which are worth it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.analysis.costs import total_training_macs
from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.records import Role, RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.statistics import Estimate
from distbench.storage.rows import Row

# Equal up to this share of themselves, as accuracies and sums of operations are rounded.
_CLOSE = 1e-9


@dataclass(frozen=True)
class Point:
    """A complete method: what it reaches, and what that takes.

    Attributes:
        mean: Over the tasks, with the interval of the leaderboard.
        training_macs: Of training, passes and teaching of sources included; mean over its cells.
        student_macs: Of one image through the network that it gives; mean over its cells.
        percent: Whether the mean is a share that is shown as percent.
        on_front: No method that gives the suite's student is at least as good for at most as much
            training, one of the two strictly. Never true of a ceiling: it gives another,
            bigger network.
        on_inference_front: The same for `student_macs`, ceilings included.
    """

    method: str
    role: Role
    mean: Estimate
    training_macs: float
    student_macs: float
    percent: bool = True
    on_front: bool = False
    on_inference_front: bool = False

    @property
    def scale(self) -> int:
        """By what its mean is multiplied to be shown."""
        return 100 if self.percent else 1


def points(board: Board, rows: Iterable[Row | RowRecord]) -> list[Point]:
    """The complete methods whose training compute is known for every cell, cheapest first.

    Args:
        board: The leaderboard.
        rows: The rows it was built from. Operations do not depend on the machine, so that rows of
            several may be among them.
    """
    macs: dict[str, list[tuple[int | None, int]]] = defaultdict(list)
    for (method, task, seed), row in cells(as_records(rows)).items():
        if row.cost is not None and task in board.tasks and seed in board.seeds:
            macs[method].append((total_training_macs(row.cost), row.cost.student_macs))
    complete = []
    for line in board.lines:
        known = [total for total, _ in macs[line.method] if total]
        if line.mean is None or not known or len(known) < line.coverage[1]:
            continue
        student = float(np.mean([each for _, each in macs[line.method]]))
        macs_of = float(np.mean(known))
        complete.append(Point(line.method, line.role, line.mean, macs_of, student, board.percent))
    students = {point.method for point in complete if point.role != "ceiling"}
    best = front(
        [p for p in complete if p.method in students], lambda point: point.training_macs, board.sign
    )
    small = front(complete, lambda point: point.student_macs, board.sign)
    complete = [
        replace(p, on_front=p.method in best, on_inference_front=p.method in small)
        for p in complete
    ]
    return sorted(complete, key=lambda p: (p.training_macs, -board.sign * p.mean.mean, p.method))


def front(some: Sequence[Point], cost: Callable[[Point], float], sign: int = 1) -> set[str]:
    """Methods that no other one beats: as good for less, or better for as little.

    Args:
        some: The methods.
        cost: What counts as their cost.
        sign: -1 where a lower mean is the better one.
    """
    worth = sign * np.array([point.mean.mean for point in some])
    price = np.array([cost(point) for point in some], dtype=np.float64)
    kept = set()
    for point, mine, spent in zip(some, worth, price, strict=True):
        gain, saved = worth - mine, spent - price
        slack = _CLOSE * spent
        as_good = (gain >= -_CLOSE) & (saved >= -slack)
        if not np.any(as_good & ((gain > _CLOSE) | (saved > slack))):
            kept.add(point.method)
    return kept


def students_differ(some: Sequence[Point]) -> bool:
    """Whether the methods give networks of different size, beyond what classes change."""
    sizes = [point.student_macs for point in some]
    return bool(sizes) and min(sizes) > 0 and max(sizes) / min(sizes) > 1.01


def caption(board: Board) -> tuple[str, ...]:
    """What the picture shows, line by line."""
    tasks, seeds = len(board.tasks), len(board.seeds)
    head = (
        f"Suite {board.suite} version {board.suite_version}, {tasks} "
        f"{'task' if tasks == 1 else 'tasks'}, {seeds} {'seed' if seeds == 1 else 'seeds'}."
    )
    known = any(line.mean is not None and line.mean.half is not None for line in board.lines)
    bars = "Bars: 95 % intervals." if known else "One seed: no intervals."
    what = (
        "Training: the student, passes of its sources over what is distilled on, and teaching "
        "them; selection is not in it."
    )
    return f"{head} {bars}", what


def digest(some: Sequence[Point], board: Board, *more: str | int) -> str:
    """SHA-256 of all that the picture shows, and of what else it depends on."""
    shown = [asdict(point) for point in some]
    text = json.dumps([shown, board.measure, caption(board), more], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
