"""Means of methods against a value that was swept: a table and a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.figures.png import plain_figure, png
from distbench.leaderboard.figures.point_labels import INK
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.board_columns import percent
from distbench.leaderboard.tables.text_table import csv_text
from distbench.storage.atomic import write_atomic

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")

Step = tuple[str, Sequence[tuple[str, str]], Sequence[str], Board | None]
"""A value; the methods as they are called without it; their names with it; the leaderboard."""


@dataclass(frozen=True)
class Course:
    """One method along the values; None where it is not complete."""

    method: str
    role: str
    means: tuple[Estimate | None, ...]
    deltas: tuple[Estimate | None, ...]

    @property
    def constant(self) -> bool:
        """Whether the value does not matter to it, as to a baseline in a sweep of a strategy."""
        return None not in self.means and len({m.mean for m in self.means if m}) == 1


@dataclass(frozen=True)
class SweepCurve:
    """Mean accuracy over the tasks of every method at every value.

    Attributes:
        key: What was swept.
        values: As they were typed.
        baseline: What the differences refer to; None where it is missing somewhere.
    """

    key: str
    values: tuple[str, ...]
    courses: tuple[Course, ...]
    baseline: str | None


def sweep_curve(key: str, steps: Sequence[Step]) -> SweepCurve:
    """Puts leaderboards of several values together; methods are told by their order."""
    _, methods, _, _ = steps[0]
    courses = []
    for number, (name, role) in enumerate(methods):
        means: list[Estimate | None] = []
        deltas: list[Estimate | None] = []
        for _, _, named, board in steps:
            lines = board.lines if board else ()
            line = next((one for one in lines if one.method == named[number]), None)
            means.append(line.mean if line else None)
            deltas.append(line.delta if line else None)
        courses.append(Course(name, role, tuple(means), tuple(deltas)))
    bases = {board.baseline if board else None for *_, board in steps}
    return SweepCurve(
        key,
        tuple(value for value, *_ in steps),
        tuple(courses),
        bases.pop() if len(bases) == 1 else None,
    )


def write_sweep(curve: SweepCurve, folder: Path) -> None:
    """Writes curve.csv, curve.md and curve.png."""
    write_atomic(folder / "curve.csv", sweep_csv(curve))
    write_atomic(folder / "curve.md", sweep_markdown(curve))
    write_atomic(folder / "curve.png", sweep_picture(curve))


def sweep_csv(curve: SweepCurve) -> str:
    """A line for each value and method: mean, its half-width, difference to the baseline."""
    heads = ["key", "value", "method", "role", "mean", "half", "delta", "delta_half"]
    rows: list[list[Any]] = [heads]
    for i, value in enumerate(curve.values):
        for course in curve.courses:
            cells = [
                part
                for estimate in (course.means[i], course.deltas[i])
                for part in ((estimate.mean, estimate.half) if estimate else (None, None))
            ]
            rows.append([curve.key, value, course.method, course.role, *cells])
    return csv_text(rows)


def sweep_markdown(curve: SweepCurve) -> str:
    """A table: a row for each method, a column for each value, in percent."""
    rows = [[f"`{c.method}`", *(percent(m).line for m in c.means)] for c in curve.courses]
    heads = [f"mean accuracy, % at `{curve.key}` =", *curve.values]
    return tabulate(rows, heads, "github", disable_numparse=True) + "\n"


def sweep_text(curve: SweepCurve) -> str:
    """The table for a terminal."""
    rows = [[c.method, *(percent(m).line for m in c.means)] for c in curve.courses]
    return tabulate(rows, [f"{curve.key} =", *curve.values], "simple", disable_numparse=True)


def sweep_picture(curve: SweepCurve) -> bytes:
    """The curves as a PNG: values evenly spaced in the order given, with t intervals."""
    with plain_figure(7.2, 4.4) as figure:
        axes = figure.subplots()
        positions = range(len(curve.values))
        moving = [course.method for course in curve.courses if not course.constant]
        for number, course in enumerate(curve.courses):
            colour = _COLOURS[number % len(_COLOURS)]
            means = [math.nan if m is None else 100 * m.mean for m in course.means]
            if course.constant:
                axes.axhline(means[0], color=colour, linestyle="--", linewidth=1, zorder=1)
                axes.plot([], [], "--", color=colour, label=course.method)
                continue
            halves = [100 * m.half if m and m.half is not None else 0 for m in course.means]
            # A little beside one another, so that intervals do not hide intervals.
            aside = 0.03 * (moving.index(course.method) - (len(moving) - 1) / 2)
            axes.errorbar(
                [position + aside for position in positions],
                means,
                yerr=halves if any(halves) else None,
                marker=_MARKS[number % len(_MARKS)],
                markersize=5,
                color=colour,
                linewidth=1.4,
                elinewidth=0.8,
                capsize=2,
                label=course.method,
            )
        axes.set_xticks(list(positions), curve.values)
        axes.set_xlabel(curve.key)
        axes.set_ylabel("test accuracy, mean over tasks, %")
        axes.grid(axis="y", color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
        return png(figure)
