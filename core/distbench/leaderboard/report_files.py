"""Reports in all formats: which files, and what stands in them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.figures.pareto import pareto_picture, worth_drawing
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.leaderboard.rows.origins import Collected
from distbench.leaderboard.tables.board_table import board_csv, board_table
from distbench.leaderboard.tables.cost_table import cost_csv, cost_table, costs_as_dicts
from distbench.leaderboard.tables.metric_table import metric_csv, metric_table, metrics_as_dicts
from distbench.leaderboard.tables.text_table import (
    TextTable,
    latex_text,
    markdown_text,
    name_cell,
    note,
)
from distbench.leaderboard.tables.weight_table import weights_as_dicts
from distbench.storage.atomic import write_atomic
from distbench.storage.safe_text import plain_json, plain_line

if TYPE_CHECKING:
    from distbench.leaderboard.page.about import About

FORMATS = ("md", "csv", "json", "latex", "html")
PICTURE = "svg"
"""Drawn when it is asked for, not among all formats: of a thousand methods it takes seconds."""


def write_reports(
    collected: Collected,
    reports: Sequence[BoardReport],
    folder: Path,
    formats: Collection[str] = FORMATS,
    about: About | None = None,
) -> list[Path]:
    """Writes ``leaderboard.md``, ``.csv``, ``.json``, ``.tex`` and ``.html``, and pictures.

    Everything is made before the first file is written. With several reports each has CSV files of
    its own, ``leaderboard-LABEL.csv``, and a picture, ``pareto-LABEL.svg``; the other formats hold
    all reports in one file. Beside each CSV lie ``costs`` and, where metrics can be judged,
    ``metrics`` under the same name.

    Args:
        collected: All that was read.
        reports: Its tables.
        folder: Made where it is missing.
        formats: Of `FORMATS` and `PICTURE`.
        about: What the page is to say of methods, suites and files.

    Returns:
        The files.

    Raises:
        OSError: The folder cannot be written to.
    """
    files: dict[str, str | bytes] = {}
    with without_cycles():
        if "md" in formats:
            files["leaderboard.md"] = reports_markdown(collected, reports)
        if "csv" in formats:
            files |= _csv_files(reports)
        if "json" in formats:
            table = reports_as_dict(collected, reports)
            text = json.dumps(table, allow_nan=False, ensure_ascii=False)
            files["leaderboard.json"] = plain_json(text) + "\n"
        if "latex" in formats:
            files["leaderboard.tex"] = reports_latex(reports)
        if "html" in formats:
            files["leaderboard.html"] = reports_page(collected, reports, about)
    if PICTURE in formats:
        files |= _pictures(reports)
    for file, content in files.items():
        write_atomic(folder / file, content)
    return [folder / file for file in files]


def reports_page(
    collected: Collected, reports: Sequence[BoardReport], about: About | None = None
) -> str:
    """The page, with what is known of the methods besides their results."""
    from distbench.leaderboard.page.about import About
    from distbench.leaderboard.page.data import page_data
    from distbench.leaderboard.page.html import page

    return page(page_data(collected, reports, about or About()))


def _csv_files(reports: Sequence[BoardReport]) -> dict[str, str]:
    files: dict[str, str] = {}
    for report, tail in _tails(reports):
        files[f"leaderboard{tail}.csv"] = board_csv(report.board)
        files[f"costs{tail}.csv"] = cost_csv(report.costs)
        if report.metrics:
            files[f"metrics{tail}.csv"] = metric_csv(report.metrics)
    return files


def _pictures(reports: Sequence[BoardReport]) -> dict[str, bytes]:
    """Accuracy against compute, of each report where there is something to compare."""
    return {
        f"pareto{tail}.svg": pareto_picture(some, report.board)
        for report, tail in _tails(reports)
        if (some := worth_drawing(report.board, report.rows))
    }


def _tails(reports: Sequence[BoardReport]) -> list[tuple[BoardReport, str]]:
    """Each report with what its own files end in."""
    by_tail: dict[str, BoardReport] = {}
    for report in reports:
        tail = f"-{slug(report.label)}" if len(reports) > 1 else ""
        while tail in by_tail:
            tail += "-b"
        by_tail[tail] = report
    return [(report, tail) for tail, report in by_tail.items()]


def slug(label: str) -> str:
    """A label as a part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.")[:100] or "table"


def reports_markdown(collected: Collected, reports: Sequence[BoardReport]) -> str:
    """Each report under its heading, with costs, metrics and where the results come from."""
    parts = []
    for report in reports:
        parts += [f"# {_escaped(report.label)}", markdown_text(board_table(report.board)).rstrip()]
        parts += [f"- {_escaped(line)}" for line in report.left_out]
        if report.metrics:
            parts += [
                "## Metrics",
                markdown_text(metric_table(report.metrics, report.board.measure_title)).rstrip(),
            ]
        if report.costs:
            parts += ["## Costs", markdown_text(cost_table(report.costs)).rstrip()]
        parts += ["## Where from", markdown_text(_provenance(collected, report)).rstrip()]
    return "\n\n".join(parts) + "\n"


def _escaped(line: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#])", r"\\\1", plain_line(line))


def _provenance(collected: Collected, report: BoardReport) -> TextTable:
    body = []
    for line in report.board.lines:
        for origin in (collected.origins[number] for number in report.origins[line.method]):
            who = note(origin.kind, origin.submitter or "")
            body.append((name_cell(line.method), *who, name_cell(origin.path)))
    heads = note("method", "kind", "submitter", "file")
    return TextTable(heads, tuple(body), left=(0, 1, 2, 3))


def reports_latex(reports: Sequence[BoardReport]) -> str:
    """The tables one after another, each after a comment that says which it is."""
    parts = []
    for report in reports:
        parts.append("% " + plain_line(report.label))
        parts.append(latex_text(board_table(report.board)))
        if report.metrics:
            parts += [
                "% metrics",
                latex_text(metric_table(report.metrics, report.board.measure_title)),
            ]
    return "\n".join(parts)


def reports_as_dict(collected: Collected, reports: Sequence[BoardReport]) -> dict[str, Any]:
    """All reports as values that JSON can hold."""
    return {
        "origins": [asdict(origin) for origin in collected.origins],
        "refused": list(collected.refused),
        "reports": [
            {
                "label": report.label,
                "student": report.setting.student,
                "protocol": report.setting.protocol,
                "zoo": report.zoo,
                "left_out": list(report.left_out),
                "leaderboard": report.board.as_dict(),
                "metrics": metrics_as_dicts(report.metrics),
                "costs": costs_as_dicts(report.costs),
                "weights": weights_as_dicts(report.weights),
                "origins": {method: list(numbers) for method, numbers in report.origins.items()},
            }
            for report in reports
        ],
    }
