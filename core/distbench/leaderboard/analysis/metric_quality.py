"""How well each metric picks sources: its scores against what the sources really led to.

What a source really led to is read from the rows alone: of the cells that learnt from exactly one
source and chose it without any score, as strategy ``only:NAME`` does. The accuracies of the
students then say how good each source was for the task, and a metric is judged by how its scores
of the same task and seed order them:

- **weighted Kendall tau** (Vigna, 2015), `scipy.stats.weightedtau` with its default weights: a swap
  of the sources at places r and s (from 0) weighs ``1/(r+1) + 1/(s+1)``, and tau is the mean of
  ranking the places by score and by accuracy;
- **Pearson's** correlation of score and accuracy;
- **top-k regret**: the accuracy of the best source less that of the best among the k with the
  highest scores, in accuracy lost (0 is perfect). Equal scores are taken in the order of names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.rows.entries import Cell, Measure, cells
from distbench.leaderboard.rows.records import RowRecord, as_records
from distbench.leaderboard.statistics import Estimate, mean_interval
from distbench.storage.rows import Row

LEAST = 3
"""Sources that both a score and an accuracy are needed of."""

MEASURED = ("tau", "pearson", "regret_1", "regret_3")

ByCell = dict[tuple[str, int], dict[str, float]]
"""A number for each source, by task and seed."""


@dataclass(frozen=True)
class MetricLine:
    """A metric, judged by the students of one distiller; means over tasks with t intervals.

    Attributes:
        metric: As it is written in the methods' names.
        distiller: Whose students say what a source led to.
        values: For each name in `MEASURED` the mean over tasks; one task gives no interval.
        by_task: Task to the mean over its seeds, in the order of `MEASURED`.
        sources: Fewest and most sources that were compared in a (task, seed).
        left_out: Task to why it does not count, where it does not.
    """

    metric: str
    distiller: str
    values: Mapping[str, Estimate]
    by_task: Mapping[str, tuple[float, ...]]
    sources: tuple[int, int]
    left_out: Mapping[str, str]


def metric_lines(
    rows: Iterable[Row | RowRecord], *, tasks: Sequence[str] = (), measure: Measure = "accuracy"
) -> list[MetricLine]:
    """Every metric that scored where single sources were tried, best tau first.

    Args:
        rows: Of one board, in any order.
        tasks: Their order.
        measure: Which accuracy counts.
    """
    chosen = cells(as_records(rows))
    reached = oracle(chosen, measure)
    return judge(_scores(chosen), reached, tasks) if reached else []


def judge(
    scores: Mapping[str, ByCell], reached: Mapping[str, ByCell], tasks: Sequence[str] = ()
) -> list[MetricLine]:
    """Every metric against what single sources led to, best tau first.

    Args:
        scores: Metric to (task, seed) to source to its score.
        reached: Distiller to (task, seed) to source to the accuracy that it led to.
        tasks: Their order.
    """
    lines = [
        _line(metric, distiller, by_cell, reached[distiller], tasks)
        for metric, by_cell in scores.items()
        for distiller in sorted(reached)
    ]
    lines = [line for line in lines if line.values or line.left_out]
    # Without a value last; a negative tau before none.
    return sorted(
        lines,
        key=lambda x: (
            x.distiller,
            not x.values,
            -round(x.values["tau"].mean, 9) if x.values else 0.0,
            x.metric,
        ),
    )


def oracle(chosen: Mapping[Cell, RowRecord], measure: Measure = "accuracy") -> dict[str, ByCell]:
    """Distiller to (task, seed) to source to the accuracy that learning from it alone led to."""
    accuracies: dict[str, ByCell] = defaultdict(lambda: defaultdict(dict))
    for (_, task, seed), row in sorted(chosen.items()):
        components = row.method.components
        if row.result is None or "metric" in components or "strategy" not in components:
            continue
        learnt = row.result.sources
        used = [n for n, weight in zip(learnt.names, learnt.weight, strict=True) if weight > 0]
        if len(used) == 1:
            distiller = row.method.id.partition("/")[0]
            value = float(getattr(row.result, measure))
            accuracies[distiller][task, seed].setdefault(used[0], value)
    return accuracies


def _scores(chosen: Mapping[Cell, RowRecord]) -> dict[str, ByCell]:
    """Metric to (task, seed) to source to its score; of several methods the one that scored most.

    All methods of a metric read the same scores, but may not have the same eligible sources.
    """
    scores: dict[str, ByCell] = defaultdict(dict)
    for (_, task, seed), row in sorted(chosen.items()):
        if row.result is None or "metric" not in row.method.components:
            continue
        metric = metric_of(row)
        learnt = row.result.sources
        count = int(np.isfinite(learnt.score).sum())
        if count and count > len(scores[metric].get((task, seed), ())):
            pairs = zip(learnt.names, learnt.score, strict=True)
            scores[metric][task, seed] = {n: s for n, s in pairs if np.isfinite(s)}
    return {metric: scores[metric] for metric in sorted(scores)}


def metric_of(row: RowRecord) -> str:
    """How a method's name writes its metric; empty where it has none."""
    if "metric" not in row.method.components:
        return ""
    # DISTILLER/STRATEGY/METRIC, where only what comes last may hold a slash.
    return (row.method.written or row.method.id).split("/", 2)[-1]


def _line(
    metric: str, distiller: str, scores: ByCell, reached: ByCell, tasks: Sequence[str]
) -> MetricLine:
    seeds: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    left_out: dict[str, str] = {}
    counts = []
    for cell in sorted(reached.keys() & scores.keys()):
        both = sorted(reached[cell].keys() & scores[cell].keys())
        if len(both) < LEAST:
            left_out[cell[0]] = f"{len(both)} sources with score and accuracy, {LEAST} are needed"
            continue
        score = np.array([scores[cell][source] for source in both])
        accuracy = np.array([reached[cell][source] for source in both])
        equal = [what for what, v in (("accuracies", accuracy), ("scores", score)) if _equal(v)]
        if equal:
            left_out[cell[0]] = f"all {equal[0]} are equal"
            continue
        counts.append(len(both))
        seeds[cell[0]].append(judged(score, accuracy))
    order = [task for task in (*tasks, *sorted(set(seeds) - set(tasks))) if task in seeds]
    by_task = {task: tuple(map(float, np.mean(seeds[task], axis=0))) for task in order}
    table = np.array(list(by_task.values()))
    return MetricLine(
        metric,
        distiller,
        {key: mean_interval(table[:, i]) for i, key in enumerate(MEASURED)} if by_task else {},
        by_task,
        (min(counts, default=0), max(counts, default=0)),
        {task: why for task, why in left_out.items() if task not in seeds},
    )


def _equal(values: NDArray[np.float64]) -> bool:
    """Whether all values are the same but for round-off."""
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def judged(score: NDArray[np.float64], accuracy: NDArray[np.float64]) -> tuple[float, ...]:
    """Weighted tau, Pearson, top-1 and top-3 regret of the scores of some sources.

    Args:
        score: (n,), finite, not all equal.
        accuracy: (n,), 0..1, not all equal, of the same sources.
    """
    from scipy.stats import weightedtau

    tau = float(weightedtau(score, accuracy).statistic)
    pearson = float(np.corrcoef(score, accuracy)[0, 1])
    order = np.argsort(-score, kind="stable")
    regrets = [float(accuracy.max() - accuracy[order[:k]].max()) for k in (1, 3)]
    return (tau, pearson, *regrets)
