"""Metrics as tables: how well each picks sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distbench.leaderboard.analysis.metric_quality import MEASURED, MetricLine
from distbench.leaderboard.statistics import Estimate
from distbench.leaderboard.tables.text_table import (
    EMPTY,
    Text,
    TextTable,
    csv_text,
    name_cell,
    note,
    number_cell,
    short_names,
)


def metric_table(lines: Sequence[MetricLine]) -> TextTable:
    """The metrics as a table: means with half-widths, tau by task, and what was left out."""
    tasks = list(dict.fromkeys(task for line in lines for task in line.by_task))
    heads = ["metric", "tau", "Pearson", "regret 1", "regret 3", "sources", *short_names(tasks)]
    many = len({line.distiller for line in lines}) > 1
    body = []
    for line in lines:
        few, most = line.sources
        body.append(
            (
                name_cell(f"{line.metric} ({line.distiller})" if many else line.metric),
                *(_estimate_cell(line.values.get(key), key) for key in MEASURED),
                Text(EMPTY if not most else f"{few}" if few == most else f"{few}-{most}"),
                *(_tau(line.by_task.get(task)) for task in tasks),
            )
        )
    notes = [
        note(
            "How each metric's scores agree with the accuracy that learning from one source alone "
            "led to. Means over tasks (each over its seeds), ± half the 95 % t interval over "
            "tasks. tau: weighted Kendall, hyperbolic weights by rank, mean of ranking by score "
            "and by accuracy; regret k: points of accuracy lost by the best of the k sources with "
            "the highest scores. The columns of tasks: tau."
        )
    ]
    for line in lines:
        for task, why in line.left_out.items():
            where = name_cell(line.metric), " on ", name_cell(task)
            notes.append(note("Left out: ", *where, f": {why}."))
    return TextTable(note(*heads), tuple(body), tuple(notes), left=(0,))


def _tau(values: tuple[float, ...] | None) -> Text:
    return number_cell(None if values is None else values[0] + 0.0, "{:.2f}")


def _estimate_cell(estimate: Estimate | None, key: str) -> Text:
    if estimate is None:
        return Text(EMPTY)
    scale, digits = (100, 1) if key.startswith("regret") else (1, 2)
    spread = "" if estimate.half is None else f"±{scale * estimate.half:.{digits}f}"
    return Text(f"{scale * estimate.mean + 0.0:.{digits}f}", spread)


def metric_csv(lines: Sequence[MetricLine]) -> str:
    """A row a metric and distiller: each measure with its interval, and what it is a mean of."""
    heads = [f"{key}{end}" for key in MEASURED for end in ("", "_low", "_high")]
    body: list[list[Any]] = []
    for line in lines:
        numbers: list[float | None] = []
        for key in MEASURED:
            value = line.values.get(key)
            numbers += [value.mean, value.low, value.high] if value else [None] * 3
        fields = ["" if v is None else repr(round(v, 6) + 0.0) for v in numbers]
        body.append([line.metric, line.distiller, *fields, len(line.by_task), *line.sources])
    ends = ("tasks", "fewest_sources", "most_sources")
    return csv_text([["metric", "distiller", *heads, *ends], *body])


def metrics_as_dicts(lines: Sequence[MetricLine]) -> list[dict[str, object]]:
    """The metrics as values that JSON can hold."""
    return [
        {
            "metric": line.metric,
            "distiller": line.distiller,
            **{
                key: {"mean": e.mean, "low": e.low, "high": e.high}
                for key, e in line.values.items()
            },
            "tasks": {t: dict(zip(MEASURED, v, strict=True)) for t, v in line.by_task.items()},
            "sources": list(line.sources),
            "left_out": dict(line.left_out),
        }
        for line in lines
    ]
