"""Accuracy against compute as a picture; matplotlib is imported when there is something to draw."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.leaderboard.analysis import pareto
from distbench.leaderboard.analysis.board import Board
from distbench.leaderboard.analysis.pareto import Point
from distbench.leaderboard.figures.png import plain_figure
from distbench.leaderboard.figures.point_labels import INK, LINE, STYLE, Panel, height, write_names
from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.tables.board_columns import written
from distbench.storage.atomic import write_atomic
from distbench.storage.rows import Row
from distbench.storage.safe_text import plain_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = "pareto.svg"
_DRAWING = 2
"""Raised when the same points would be drawn differently."""

_FAINT, _FONT = "#999999", 8.0
_MARK: dict[str, Any] = {"markersize": 6.5, "markeredgewidth": 1.3}

_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "distbench",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": _FONT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": _FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,
}


_TRAINING = Panel(
    "training compute, multiply-accumulates a task (log scale)",
    attrgetter("training_macs"),
    attrgetter("on_front"),
)
_INFERENCE = Panel(
    "compute of one image when it is used, multiply-accumulates (log scale)",
    attrgetter("student_macs"),
    attrgetter("on_inference_front"),
)


def worth_drawing(board: Board, rows: Iterable[Row | RowRecord]) -> list[Point]:
    """The points of a picture; none where fewer than two methods are complete."""
    some = pareto.points(board, rows)
    return some if len(some) > 1 else []


def write_picture(board: Board, rows: Iterable[Row | RowRecord], folder: Path) -> Path | None:
    """Draws `FILE` where two methods or more are complete; otherwise removes it.

    A picture that shows these points already is left as it is, unopened by matplotlib, so that a
    run with nothing new stays quick. Equal points give an equal file.

    Returns:
        The file; None where there is none, as also without a working matplotlib.
    """
    path = folder / FILE
    some = worth_drawing(board, rows)
    if not some:
        path.unlink(missing_ok=True)
        return None
    mark = f"distbench:{pareto.digest(some, board, _DRAWING)}"
    if _marked(path, mark):
        return path
    try:
        content = pareto_picture(some, board, mark)
    except ImportError:
        path.unlink(missing_ok=True)
        return None
    write_atomic(path, content)
    return path


def _marked(path: Path, mark: str) -> bool:
    """Whether a picture is there that was drawn from the same."""
    try:
        with path.open("rb") as file:
            return mark.encode() in file.read(4096)
    except OSError:
        return False


def pareto_picture(
    some: Sequence[Point], board: Board, mark: str = "", *, kind: str = "svg"
) -> bytes:
    """The picture.

    A panel against training compute; a second one against the compute of one image, where the
    methods give networks of different size. Methods on the front are filled, the others hollow.

    Args:
        some: At least one point.
        board: Which leaderboard they are of.
        mark: Is put into the metadata.
        kind: ``svg`` or ``png``.

    Raises:
        ImportError: matplotlib cannot be imported.
    """
    panels = [_TRAINING, _INFERENCE] if pareto.students_differ(some) else [_TRAINING]
    inches = max(3.2, LINE * (len(some) + 3))
    measure = f"test {board.measure_title}, mean over tasks" + (", %" if board.percent else "")
    measure += "" if board.sign > 0 else " (lower is better)"
    height = inches * len(panels) + 0.6
    with plain_figure(9.0, height, layout=None, settings=_SETTINGS) as figure:
        for number, panel in enumerate(panels):
            bottom = (0.85 + inches * (len(panels) - 1 - number)) / height
            axes = figure.add_axes((0.07, bottom, 0.45, (inches - 0.6) / height))
            _panel(axes, some, panel, inches - 0.6)
            axes.set_xlabel(panel.title)
            axes.set_ylabel(measure)
            if number == 0:
                _legend(axes, some)
        for number, line in enumerate(reversed(pareto.caption(board))):
            figure.text(0.01, (0.1 + 0.16 * number) / height, plain_line(line), fontsize=_FONT - 1)
        out = io.BytesIO()
        about = {
            "Title": f"{board.measure_head} against compute",
            "Creator": "distbench",
            "Date": None,
        }
        metadata: dict[str, Any] = {**about, "Identifier": mark} if kind == "svg" else {}
        figure.savefig(out, format=kind, metadata=metadata, dpi=150)
    return out.getvalue()


def _panel(axes: Axes, some: Sequence[Point], panel: Panel, inches: float) -> None:
    """One scatter, its front as a stair, and a column of names at its right."""
    _, cost, front = panel
    _limits(axes, some, cost)
    _ticks(axes)
    axes.grid(visible=True, color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    stair = sorted((cost(p), p.scale * p.mean.mean) for p in some if front(p))
    if stair:  # none where every method is a ceiling
        axes.step(
            [*(x for x, _ in stair), axes.get_xlim()[1]],
            [*(y for _, y in stair), stair[-1][1]],
            where="post",
            color=INK,
            linewidth=1.0,
            zorder=2,
        )
    for point in some:
        marker, colour = STYLE[point.role]
        low, high = point.mean.low, point.mean.high
        mean = height(axes, point)
        beyond = mean != point.scale * point.mean.mean
        if beyond:
            arrow = "↓" if mean > point.scale * point.mean.mean else "↑"
            label = f"{arrow} {written(point.mean, point.percent).value}"
            axes.annotate(
                label,
                (cost(point), mean),
                (6, 3),
                textcoords="offset points",
                annotation_clip=False,
            )
        elif low is not None and high is not None:
            ends = point.scale * low, point.scale * high
            axes.vlines(cost(point), *ends, color=colour, linewidth=1.0, zorder=3)
        axes.plot(
            [cost(point)],
            [mean],
            marker,
            markeredgecolor=colour,
            markerfacecolor=colour if front(point) else "white",
            zorder=4,
            clip_on=False,
            **_MARK,
        )
    write_names(axes, some, panel, inches)


def _limits(axes: Axes, some: Sequence[Point], cost: Callable[[Point], float]) -> None:
    low, high = _scale(some)
    room = max(0.06 * (high - low), 0.005 * some[0].scale)
    axes.set_ylim(low - room, high + room)
    least, most = min(map(cost, some)), max(map(cost, some))
    # At least a factor of four, so that nearly equal costs look nearly equal.
    widen = max((most / least) ** 0.07, (4 / min(most / least, 4)) ** 0.5, 1.15)
    axes.set_xscale("log")
    axes.set_xlim(least / widen, most * widen)


def _scale(some: Sequence[Point]) -> tuple[float, float]:
    """Where the means lie, as they are shown: of ranked methods, and of others that lie near them.

    A network from scratch far below all others would else flatten their differences.
    """
    ranked = [point for point in some if point.role == "ranked"]
    core = _ends(ranked or some)
    low, high = min(core), max(core)
    near = max((high - low) / 2, 0.01 * some[0].scale)
    ends = [v for v in _ends(some) if low - near <= v <= high + near]
    return min(ends), max(ends)


def _ends(some: Sequence[Point]) -> list[float]:
    """Both ends of each interval, as they are shown."""
    estimates = [point.mean for point in some]
    lows = [e.mean if e.low is None else e.low for e in estimates]
    return [
        some[0].scale * v
        for v in (*lows, *(e.mean if e.high is None else e.high for e in estimates))
    ]


def _ticks(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    steps = (1.0, 2.0, 5.0) if high / low < 200 else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(axes: Axes, some: Sequence[Point]) -> None:
    from matplotlib.lines import Line2D

    hollow = {"color": "none", "markerfacecolor": "white", **_MARK}
    shown = [
        Line2D([], [], marker=marker, markeredgecolor=colour, label=role, **hollow)
        for role, (marker, colour) in STYLE.items()
        if any(p.role == role for p in some)
    ]
    shown.append(
        Line2D([], [], color=INK, linewidth=1.0, marker="o", markersize=5, label="Pareto front")
    )
    axes.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=len(shown),
        frameon=False,
        handletextpad=0.3,
        columnspacing=1.2,
        borderaxespad=0.1,
    )
