"""Reports in all formats: which files, and what stands in them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distbench.leaderboard import board_table as render
from distbench.leaderboard import text_table as text
from distbench.leaderboard.analysis import costs
from distbench.leaderboard.analysis import metric_quality as selection
from distbench.leaderboard.analysis import source_weights as weights
from distbench.leaderboard.analysis.reports import Report
from distbench.leaderboard.figures import pareto as picture
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.leaderboard.rows.origins import Collected
from distbench.leaderboard.text_table import Text, TextTable, name
from distbench.storage.atomic import write_atomic

FORMATS = ("md", "csv", "json", "latex", "html")


PICTURE = "svg"
"""Drawn when it is asked for, not among all formats: of a thousand methods it takes seconds."""


def write(
    found: Collected,
    reports: Sequence[Report],
    folder: Path,
    formats: Collection[str] = FORMATS,
) -> list[Path]:
    """Writes ``leaderboard.md``, ``.csv``, ``.json``, ``.tex`` and ``.html``, and pictures.

    Everything is made before the first file is written. With several reports each has CSV files of
    its own, ``leaderboard-LABEL.csv``, and a picture, ``pareto-LABEL.svg``; the other formats hold
    all reports in one file. Beside each CSV lie ``costs`` and, where metrics can be judged,
    ``metrics`` under the same name.

    Returns:
        The files.

    Raises:
        OSError: The folder cannot be written to.
    """
    files: dict[str, str | bytes] = {}
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "md": ("leaderboard.md", lambda: markdown(found, reports)),
        "json": ("leaderboard.json", lambda: json_text(found, reports)),
        "latex": ("leaderboard.tex", lambda: latex(reports)),
        "html": ("leaderboard.html", lambda: html(found, reports)),
    }
    with without_cycles():
        for kind in FORMATS:
            if kind in formats and kind in makers:
                file, make = makers[kind]
                files[file] = make()
            elif kind in formats:
                files.update(_csv_files(reports))
    if PICTURE in formats:
        files.update(_pictures(reports))
    for file, content in files.items():
        write_atomic(folder / file, content)
    return [folder / file for file in files]


def html(found: Collected, reports: Sequence[Report]) -> str:
    """The page."""
    from distbench.leaderboard.page.data import page_data
    from distbench.leaderboard.page.html import page

    return page(page_data(found, reports))


def _csv_files(reports: Sequence[Report]) -> dict[str, str]:
    files: dict[str, str] = {}
    for report, tail in _tails(reports):
        files[f"leaderboard{tail}.csv"] = render.csv_text(report.board)
        files[f"costs{tail}.csv"] = costs.csv_text(report.costs)
        if report.metrics:
            files[f"metrics{tail}.csv"] = _metrics_csv(report)
    return files


def _pictures(reports: Sequence[Report]) -> dict[str, bytes]:
    """Accuracy against compute, of each report where there is something to compare."""
    return {
        f"pareto{tail}.svg": picture.draw(some, report.board)
        for report, tail in _tails(reports)
        if (some := picture.worth_drawing(report.board, report.rows))
    }


def _tails(reports: Sequence[Report]) -> list[tuple[Report, str]]:
    """Each report with what its own files end in."""
    found: dict[str, Report] = {}
    for report in reports:
        tail = f"-{slug(report.label)}" if len(reports) > 1 else ""
        while tail in found:
            tail += "-b"
        found[tail] = report
    return [(report, tail) for tail, report in found.items()]


def slug(label: str) -> str:
    """A label as a part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.")[:100] or "table"


def _metrics_csv(report: Report) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = ("", "_low", "_high")
    heads = [f"{key}{end}" for key in selection.MEASURED for end in ends]
    writer.writerow(["metric", "distiller", *heads, "tasks", "fewest_sources", "most_sources"])
    for line in report.metrics:
        numbers: list[float | None] = []
        for key in selection.MEASURED:
            value = line.values.get(key)
            numbers += [value.mean, value.low, value.high] if value else [None] * 3
        shown = ["" if v is None else repr(round(v, 6) + 0.0) for v in numbers]
        writer.writerow([line.metric, line.distiller, *shown, len(line.by_task), *line.sources])
    return out.getvalue()


def markdown(found: Collected, reports: Sequence[Report]) -> str:
    """Each report under its heading, with costs, metrics and where the results come from."""
    parts = []
    for report in reports:
        parts += [f"# {_escaped(report.label)}", render.markdown(report.board).rstrip()]
        parts += [f"- {_escaped(line)}" for line in report.left_out]
        if report.metrics:
            metrics = text.markdown(selection.table(report.metrics)).rstrip()
            parts += ["## Metrics", metrics]
        if report.costs:
            parts += ["## Costs", text.markdown(costs.table(report.costs)).rstrip()]
        parts += ["## Where from", text.markdown(_provenance(found, report)).rstrip()]
    return "\n\n".join(parts) + "\n"


def _escaped(line: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#])", r"\\\1", line)


def _provenance(found: Collected, report: Report) -> TextTable:
    body = []
    for line in report.board.lines:
        for number in report.origins[line.method]:
            origin = found.origins[number]
            who = Text(origin.submitter or "", kind="text")
            body.append((name(line.method), Text(origin.kind, kind="text"), who, name(origin.path)))
    heads = ("method", "kind", "submitter", "file")
    return TextTable(tuple(Text(h, kind="text") for h in heads), tuple(body), (), (0, 1, 2, 3))


def latex(reports: Sequence[Report]) -> str:
    """The tables one after another, each after a comment that says which it is."""
    parts = []
    for report in reports:
        parts.append("% " + re.sub(r"\s+", " ", report.label))
        parts.append(render.latex(report.board))
        if report.metrics:
            parts += ["% metrics", text.latex(selection.table(report.metrics))]
    return "\n".join(parts)


def plain(found: Collected, reports: Sequence[Report]) -> dict[str, Any]:
    """All reports as values that JSON can hold."""
    return {
        "origins": [asdict(origin) for origin in found.origins],
        "refused": list(found.refused),
        "reports": [
            {
                "label": report.label,
                "student": report.setting.student,
                "protocol": report.setting.protocol,
                "zoo": report.zoo,
                "left_out": list(report.left_out),
                "leaderboard": report.board.as_dict(),
                "metrics": selection.plain(report.metrics),
                "costs": costs.plain(report.costs),
                "weights": weights.plain(report.weights),
                "origins": {method: list(numbers) for method, numbers in report.origins.items()},
            }
            for report in reports
        ],
    }


def json_text(found: Collected, reports: Sequence[Report]) -> str:
    """All that there is, as JSON."""
    return json.dumps(plain(found, reports), allow_nan=False, ensure_ascii=False) + "\n"
