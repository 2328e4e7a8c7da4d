"""`distbench leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = (
    "Examples: distbench leaderboard; distbench leaderboard runs/a b.distbench.zip "
    "--output site --format html --format csv"
)


def leaderboard(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Run folders, bundles (*.distbench.zip), folders that hold such, and "
            "hub:ORG/DATASET\\[@REVISION] for the bundles of a dataset repository of the Hub. "
            "\\[default: runs and registry/results]"
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("leaderboard"),
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="md, csv, json, latex, html, all of these, or svg (accuracy against compute); "
            "repeats. \\[default: all]",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            help="What methods are compared by, e.g. auroc; `distbench list measures`. "
            "\\[default: each task's own, accuracy where none is named]"
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="The method that all others are compared with. \\[default: finetune]"),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="The metric with which others are compared in a table of metrics. "
            "\\[default: the first of the table]"
        ),
    ] = None,
    verified: Annotated[
        Path | None,
        typer.Option(
            help="Folder of records of cells that were computed again (`distbench validate "
            "--record`), which you believe, e.g. registry/verified."
        ),
    ] = None,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Build one leaderboard from any number of runs and submissions: tables and a page."""
    from distbench.errors import RefusedError, UnknownNameError, UsageError
    from distbench.leaderboard import report_files as formats
    from distbench.leaderboard.analysis.reports import reports
    from distbench.leaderboard.tables.board_table import board_table
    from distbench.leaderboard.tables.metric_table import metric_table
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.plugins.registry import registry
    from distbench.storage.folders import check_folder
    from distbench.workflows.about import about
    from distbench.workflows.collect import collect, default_inputs
    from distbench.workflows.judging import Judging

    check_folder(output, "--output")
    if verified is not None and not verified.is_dir():
        raise UsageError(f"--verified: there is no folder {str(verified)!r}")
    wanted = _formats(format, formats.FORMATS, formats.PICTURE)
    places = paths or default_inputs()
    if not places:
        raise UsageError(
            "there is no folder runs or registry/results here; name run folders or bundles, or "
            "make a run with `distbench run`"
        )
    judging = Judging(registry(tuple(plugin or ())), measure)
    collected = collect(places, judging, verified)
    for line in collected.refused:
        echo(f"left out: {line}", err=True)
    for line in collected.notes:
        echo(f"note: {line}", err=True)
    if not collected.records:
        raise RefusedError("none of the inputs holds a result, so no leaderboard was built")
    base = baseline or "finetune"
    boards = reports(collected, baseline=base, measure=judging.common, reference=reference)
    methods = {line.method for report in boards for line in report.board.lines}
    if baseline is not None and baseline not in methods:
        raise UnknownNameError(
            "baseline", baseline, methods, f"Methods are {', '.join(sorted(methods))}."
        )
    metrics = {line.metric for report in boards for line in report.metrics}
    if reference is not None and reference not in metrics:
        hint = f"Metrics of a study here are {', '.join(sorted(metrics)) or 'none'}."
        raise UnknownNameError("metric", reference, metrics, hint)
    known = about(collected, boards) if "html" in wanted else None
    files = formats.write_reports(collected, boards, output, wanted, known)
    if json:
        o.print_json(
            {"files": [str(file) for file in files], **formats.reports_as_dict(collected, boards)}
        )
        return
    for report in boards:
        echo(f"{report.label}\n\n{terminal_text(board_table(report.board))}")
        if report.metrics:
            echo(terminal_text(metric_table(report.metrics, report.board.measure_title)))
        for line in report.left_out:
            echo(line)
    if files:
        echo("Written: " + ", ".join(str(file) for file in files))
    else:
        echo("Nothing was written: a picture needs two complete methods with their compute.")


def _formats(given: list[str] | None, tables: tuple[str, ...], picture: str) -> list[str]:
    from distbench.errors import UnknownNameError

    wanted = given or ["all"]
    known = (*tables, picture, "all")
    for one in wanted:
        if one not in known:
            hint = f"Choose among {', '.join(known[:-1])} and all."
            raise UnknownNameError("format", one, known, hint)
    return [*(tables if "all" in wanted else ()), *wanted]
