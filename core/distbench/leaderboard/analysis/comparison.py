"""Two methods against each other, over the cells that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.rows.entries import blocks_of, hits_of
from distbench.leaderboard.rows.measures import MeasureFacts
from distbench.leaderboard.rows.records import CellResult
from distbench.leaderboard.statistics import (
    Difference,
    over_groups,
    p_values,
    paired_block_difference,
    paired_difference,
    paired_t,
    sampling_error,
    win_rates,
)

Reached = Sequence[Mapping[int, CellResult]]
"""What a method reached: for each task, by seed."""


@dataclass(frozen=True)
class Comparison:
    """How a method differs from another.

    Attributes:
        difference: Over groups of tasks; of a single task over its images and seeds.
        by_task: The difference on each task, mean over the seeds that both have.
        win_rate: Share of seeds on which it is ahead, mean over groups of tasks; a draw is half.
        cells: How many cells of each were compared.
    """

    difference: Difference
    by_task: tuple[float, ...]
    win_rate: float
    cells: int


def compare(
    ours: Reached, theirs: Reached, groups: Sequence[str], measures: Sequence[MeasureFacts]
) -> Comparison | None:
    """A method against another, paired by task and seed; None where a task has no common seed.

    Args:
        ours: For each task.
        theirs: For each task, in the same order.
        groups: The group of each task; tasks of one group share data and count as one.
        measures: What counts on each task.
    """
    shared = [sorted(a.keys() & b.keys()) for a, b in zip(ours, theirs, strict=True)]
    if not all(shared):
        return None
    a, b = (
        [
            np.array([value_of(side[t][seed], measures[t]) for seed in seeds])
            for t, seeds in enumerate(shared)
        ]
        for side in (ours, theirs)
    )
    by_task = [float(np.mean(x - y)) for x, y in zip(a, b, strict=True)]
    images = [side[seeds[0]].parts.test for side, seeds in zip(ours, shared, strict=True)]
    least = float(sampling_error(by_task, images, groups, [one.share for one in measures]))
    difference = paired_t(over_groups(by_task, groups), least)
    if len(shared) == 1:
        right = [
            hits_of([side[0][seed] for seed in shared[0]], measures[0]) for side in (ours, theirs)
        ]
        if right[0] is not None and right[1] is not None and right[0].shape == right[1].shape:
            difference = paired_difference(right[0], right[1])
        blocks = [
            blocks_of([side[0][seed] for seed in shared[0]], measures[0]) for side in (ours, theirs)
        ]
        if blocks[0] is not None and blocks[1] is not None and blocks[0].shape == blocks[1].shape:
            difference = paired_block_difference(blocks[0], blocks[1])
    better = [one.sign for one in measures]
    rates = win_rates(
        [sign * x for sign, x in zip(better, a, strict=True)],
        [sign * y for sign, y in zip(better, b, strict=True)],
    )
    wins = float(over_groups(rates, groups).mean())
    return Comparison(difference, tuple(by_task), wins, sum(map(len, shared)))


def all_pairs(
    methods: Sequence[Reached], groups: Sequence[str], measures: Sequence[MeasureFacts]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every method against every other.

    Args:
        methods: What each reached, on the same tasks.
        groups: The group of each task.
        measures: What counts on each task.

    Returns:
        Mean differences (m, m), the row's method less the column's, and their two-sided p values;
        both NaN where two methods have no common seed on a task, and p where nothing can be told.
    """
    count = len(methods)
    gaps, p = np.zeros((count, count)), np.full((count, count), np.nan)
    if len(groups) == 1:
        for row in range(count):
            for column in range(row):
                pair = compare(methods[row], methods[column], groups, measures)
                gap = pair.difference.mean if pair else np.nan
                gaps[row, column], gaps[column, row] = gap, -gap
                if pair and pair.difference.p is not None:
                    p[row, column] = p[column, row] = pair.difference.p
        return gaps, p
    seeds = sorted({seed for method in methods for task in method for seed in task})
    values = np.array(
        [
            [
                [value_of(t[s], measure) if s in t else np.nan for s in seeds]
                for t, measure in zip(method, measures, strict=True)
            ]
            for method in methods
        ]
    )
    images = [next(iter(task.values())).parts.test for task in methods[0]] if count else []
    for row in range(count):
        difference = values[row] - values  # (m, t, s)
        both = np.isfinite(difference)
        with np.errstate(invalid="ignore"):
            by_task = np.where(both, difference, 0).sum(axis=2) / both.sum(axis=2)  # (m, t)
        by_group = over_groups(by_task, groups)
        least = sampling_error(by_task, images, groups, [one.share for one in measures])
        gaps[row], p[row] = by_group.mean(axis=1), p_values(by_group, least)
    return gaps, p


def value_of(result: CellResult, measure: MeasureFacts) -> float:
    """What a measure says of a cell; NaN where it says nothing."""
    value = result.by(measure).value
    return float("nan") if value is None else value
