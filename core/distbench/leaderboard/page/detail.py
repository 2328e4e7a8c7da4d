"""What a page shows of each method and task: learning curves and source weights, thinned."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.rows.records import LearningCurve, RowRecord

_CURVES = 60_000
"""Numbers of learning curves in a page at most; curves get fewer points beyond."""
_SHARES = 100_000
"""Source weights in a page at most; methods show fewer sources beyond."""


def digits(value: float | None, count: int = 4) -> float | None:
    """A number with so many significant digits; None where there is none."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{count}g}")


def curve_data(board: Board, by_method: Mapping[str, Sequence[RowRecord]]) -> list[Any]:
    """For each method and task [steps, loss, validation accuracy], means over its seeds."""
    room = _CURVES // (3 * max(len(board.lines) * len(board.tasks), 1))
    most = min(max(room, 4), 24)
    curves = []
    for line in board.lines:
        by_task: dict[str, list[LearningCurve]] = defaultdict(list)
        for row in by_method[line.method]:
            if row.result is not None and row.result.curve.steps:
                by_task[row.task.id].append(row.result.curve)
        curves.append([_curve(by_task.get(task, []), most) for task in board.tasks])
    return curves


def _curve(curves: Sequence[LearningCurve], most: int) -> list[Any] | None:
    curves = [c for c in curves if c.steps == curves[0].steps]
    if not curves:
        return None
    steps = curves[0].steps
    keep = sorted({round((len(steps) - 1) * (i + 1) / most) for i in range(most)})
    loss = np.mean([c.loss for c in curves], axis=0)
    validation = np.mean([c.validation for c in curves], axis=0)
    return [
        [steps[i] for i in keep],
        [digits(float(loss[i]), 3) for i in keep],
        None if np.isnan(validation).all() else [digits(float(validation[i]), 3) for i in keep],
    ]


def weight_data(report: BoardReport, sources: Sequence[str]) -> dict[str, Any]:
    """For each method and task its sources [number, weight, score], and reasons of exclusion."""
    method_number = {line.method: i for i, line in enumerate(report.board.lines)}
    task_number = {task: i for i, task in enumerate(report.board.tasks)}
    source_number = {source: i for i, source in enumerate(sources)}
    cells = max(len(report.weights), 1)
    most = min(max(_SHARES // cells, 5), 40)
    by_method: list[Any] = [None] * len(method_number)
    excluded: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in report.weights:
        mine = by_method[method_number[line.method]]
        if mine is None:
            mine = by_method[method_number[line.method]] = [None] * len(task_number)
        used = [share for share in line.shares if share.weight > 0]
        mine[task_number[line.task]] = [
            digits(line.effective, 3),
            [
                [source_number[s.source], round(s.weight, 4), digits(s.score, 3)]
                for s in used[:most]
            ],
            len(used) - len(used[:most]),
        ]
        for source, reason in (*line.excluded.items(), *line.marked.items()):
            excluded[source, reason].add(line.task)
    return {
        "weights": by_method,
        "excluded": [
            [s, r, sorted(t, key=task_number.__getitem__)] for (s, r), t in excluded.items()
        ],
    }
