"""Names of many points beside a panel, none over another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from distbench.leaderboard.analysis.pareto import Point
from distbench.leaderboard.tables.board_columns import written
from distbench.storage.safe_text import plain_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#222222"
LINE = 0.19
"""Inches from one name to the next."""


# Okabe and Ito's palette, told apart with every kind of colour blindness, and a shape for each.
STYLE = {
    "ranked": ("o", "#0072B2"),
    "control": ("s", "#D55E00"),
    "ceiling": ("^", "#009E73"),
}


class Panel(NamedTuple):
    """What the means are drawn against: in words, as a number, and who is on its front."""

    title: str
    cost: Callable[[Point], float]
    front: Callable[[Point], bool]


def height(axes: Axes, point: Point) -> float:
    """Where a point lies, as it is shown: at the edge of the axes where it is beyond them."""
    low, high = axes.get_ylim()
    return min(max(point.scale * point.mean.mean, low), high)


def write_names(axes: Axes, some: Sequence[Point], panel: Panel, inches: float) -> None:
    """Names one below the other, the highest mean on top, each tied to its point by a line."""
    _, cost, front = panel
    low, high = axes.get_ylim()
    order = sorted(some, key=lambda p: (-p.mean.mean, cost(p), p.method))
    wanted = [(height(axes, p) - low) / (high - low) for p in order]
    for point, place in zip(order, spread(wanted, LINE / inches), strict=True):
        colour = STYLE[point.role][1]
        axes.annotate(
            f"{written(point.mean, point.percent).line}  {plain_line(short(point.method))}",
            xy=(cost(point), height(axes, point)),
            xytext=(1.06, place),
            textcoords="axes fraction",
            va="center",
            ha="left",
            color=INK,
            fontweight="bold" if front(point) else "normal",
            annotation_clip=False,
            zorder=1,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "alpha": 0.45,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Heights at least `gap` apart, as near to what is wanted as that allows, within 0..1.

    The nearest in the sense of least squares: isotonic regression of the wanted heights, each
    raised by the gaps above it.

    Args:
        wanted: Falling heights in 0..1.
        gap: The smallest distance; all must fit.
    """
    from scipy.optimize import isotonic_regression

    gaps = gap * np.arange(len(wanted))
    if not len(gaps):
        return []
    levels = isotonic_regression(np.asarray(wanted) + gaps, increasing=False).x
    return list((np.clip(levels, gaps[-1], 1.0) - gaps).tolist())


def short(method: str, most: int = 44) -> str:
    """A name that fits beside the panel: a long one without its middle."""
    if len(method) <= most:
        return method
    return f"{method[: most // 2 - 1]}…{method[-(most - most // 2) :]}"
