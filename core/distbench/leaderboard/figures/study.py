"""Every source alone on every task, as tables and pictures, beside what metrics said of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.analysis.metric_quality import MetricLine
from distbench.leaderboard.analysis.trials import LEAST, ByCell
from distbench.leaderboard.figures.png import plain_figure, png
from distbench.leaderboard.figures.point_labels import INK
from distbench.leaderboard.tables.metric_table import metric_table
from distbench.leaderboard.tables.text_table import csv_text, markdown_text, short_names
from distbench.storage.atomic import write_atomic

_COLUMNS = 4


def write_study(
    folder: Path,
    oracle: str,
    lines: Sequence[MetricLine],
    reached: ByCell,
    scores: Mapping[str, ByCell],
    tasks: Sequence[str],
    sources: Sequence[str],
    tried: Literal["source", "team"] = "source",
) -> None:
    """Writes metrics.md, sources.csv, sources.png and metrics.png.

    Args:
        folder: Where to.
        oracle: The distiller by which sources were tried.
        lines: The metrics, judged.
        reached: What each source, or team, led to.
        scores: What each metric said of it.
        tasks: Their order.
        sources: Their order, or that of the teams.
        tried: Which of the two.
    """
    write_atomic(folder / "metrics.md", markdown_text(metric_table(lines, tried=tried)))
    write_atomic(folder / "sources.csv", sources_csv(reached, scores))
    write_atomic(folder / "sources.png", heat_map(oracle, reached, tasks, sources, tried))
    write_atomic(folder / "metrics.png", scatter(oracle, lines, reached, scores, tried))


def sources_csv(reached: ByCell, scores: Mapping[str, ByCell]) -> str:
    """A line for each task, seed and source: accuracy, and the score of every metric."""
    rows: list[list[Any]] = [["task", "seed", "source", "accuracy", *scores]]
    for cell, by_source in sorted(reached.items()):
        for source, accuracy in sorted(by_source.items()):
            metric_scores = [by_cell.get(cell, {}).get(source) for by_cell in scores.values()]
            rows.append([*cell, source, accuracy, *metric_scores])
    return csv_text(rows)


def means(reached: ByCell, tasks: Sequence[str], sources: Sequence[str]) -> NDArray[np.float64]:
    """Accuracy (sources, tasks), the mean over the seeds that were tried; NaN without any."""
    table = np.full((len(sources), len(tasks)), np.nan)
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (task, _), by_source in reached.items():
        for source, accuracy in by_source.items():
            values[source, task].append(accuracy)
    for i, source in enumerate(sources):
        for j, task in enumerate(tasks):
            if accuracies := values.get((source, task)):
                table[i, j] = np.mean(accuracies)
    return table


def heat_map(
    oracle: str, reached: ByCell, tasks: Sequence[str], sources: Sequence[str], tried: str
) -> bytes:
    """Sources by tasks as a PNG: accuracy, coloured by what is lost to the task's best source."""
    table = 100 * means(reached, tasks, sources)
    finite = np.flatnonzero(np.isfinite(table).any(1))
    table, kept = table[finite], [sources[int(i)] for i in finite]
    with plain_figure(2.2 + 0.75 * len(tasks), 1.3 + 0.24 * len(kept)) as figure:
        axes = figure.subplots()
        lost = np.nanmax(table, axis=0) - table
        worst = max(float(np.nanmax(lost)), 1.0)
        shown = axes.imshow(lost, cmap="viridis_r", vmin=0, vmax=worst, aspect="auto")
        for (i, j), value in np.ndenumerate(table):
            if math.isfinite(value):
                dark = lost[i, j] > 0.55 * worst
                colour = "white" if dark else INK
                axes.text(j, i, f"{value:.0f}", ha="center", va="center", size=7, color=colour)
        axes.set_xticks(range(len(tasks)), short_names(tasks), rotation=35, ha="right", size=8)
        axes.set_yticks(range(len(kept)), kept, size=7)
        axes.tick_params(length=0, colors=INK)
        axes.spines[:].set_visible(False)
        axes.set_title(f"test accuracy, %, by {oracle} from one {tried}", size=9, color=INK)
        bar = figure.colorbar(shown, ax=axes, shrink=0.6, pad=0.02)
        bar.set_label(f"points below the task's best {tried}", size=8)
        bar.ax.tick_params(labelsize=7)
        return png(figure)


def scatter(
    oracle: str,
    lines: Sequence[MetricLine],
    reached: ByCell,
    scores: Mapping[str, ByCell],
    tried: str,
) -> bytes:
    """A panel for each metric as a PNG: score against accuracy, each task on its own scale."""
    judged = [line for line in lines if line.values] or list(lines)
    count = max(len(judged), 1)
    across = min(_COLUMNS, count)
    down = math.ceil(count / across)
    with plain_figure(2.3 * across, 2.1 * down + 0.4) as figure:
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for panel in panels.flat[len(judged) :]:
            panel.set_visible(False)
        for line, panel in zip(judged, panels.flat, strict=False):
            for cell, by_source in sorted(scores[line.metric].items()):
                both = sorted(by_source.keys() & reached.get(cell, {}).keys())
                if len(both) < LEAST:
                    continue
                x = np.array([by_source[source] for source in both])
                y = np.array([100 * reached[cell][source] for source in both])
                x = (x - x.min()) / (np.ptp(x) or 1)
                panel.scatter(x, y - y.max(), s=5, alpha=0.35, color="#0072B2", linewidths=0)
            tau = line.values.get("tau")
            shown = f"\n$\\tau_w$ {tau.mean:.2f}" if tau else ""
            panel.set_title(line.metric + shown, size=8, color=INK)
            panel.tick_params(labelsize=7, colors=INK)
            panel.spines[["top", "right"]].set_visible(False)
        figure.supxlabel("score, worst to best of the task", size=8)
        figure.supylabel(f"points below the task's best {tried} ({oracle})", size=8)
        return png(figure)
