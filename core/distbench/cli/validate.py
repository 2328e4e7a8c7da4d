"""`distbench validate`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, echo_json

if TYPE_CHECKING:
    from distbench.submission.validation_report import ValidationReport

EPILOG = (
    "Example: distbench validate mini-1a2b3c4d.distbench.zip --rerun 2. "
    "Exit code 3 if a bundle is refused."
)

_TOLERANCE = 0.05


def validate(
    bundles: Annotated[
        list[Path] | None, typer.Argument(help="Files that `distbench submit` made.")
    ] = None,
    rerun: Annotated[
        int, typer.Option(min=0, help="Cells, drawn at random, to compute again.")
    ] = 0,
    choice: Annotated[
        int | None, typer.Option(help="Seed of that draw, to repeat it. \\[default: random]")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Accuracy by which a cell of another machine may differ. "
            f"\\[default: {_TOLERANCE}]",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which to keep, as NAME.json, which cells of a bundle were computed "
            "again; for `distbench leaderboard --verified`."
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of bundles, and no more.")
    ] = False,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Check submissions without trusting them: recompute, compare, list every reason to refuse."""
    from distbench.errors import UsageError
    from distbench.storage.folders import check_folder
    from distbench.submission.schema import schema_text
    from distbench.submission.validate import validate as judge

    others = (choice, tolerance, record)
    if schema and (bundles or rerun or plugin or any(one is not None for one in others)):
        raise UsageError("--schema prints the schema alone; leave out all else")
    if not rerun and (choice is not None or tolerance is not None):
        raise UsageError("--choice and --tolerance are for cells computed again: add --rerun 2")
    if not rerun and record is not None:
        raise UsageError("--record is of cells computed again: add --rerun 2")
    if record is not None:
        check_folder(record, "--record")
    if schema:
        echo_json(schema_text(), nl=False)
        return
    if not bundles:
        raise UsageError("which bundles? Name files such as mini-1a2b3c4d.distbench.zip")
    reports = [
        judge(
            path,
            plugins=tuple(plugin or ()),
            rerun=rerun,
            choice=choice,
            tolerance=_TOLERANCE if tolerance is None else tolerance,
        )
        for path in bundles
    ]
    if json:
        o.print_json([report.as_dict() for report in reports])
    else:
        for report in reports:
            _print(report)
    for path, report in zip(bundles, reports, strict=True):
        if record is not None and not report.reasons:
            _keep(path, report, record)
    if any(report.reasons for report in reports):
        raise typer.Exit(3)


def _keep(path: Path, report: ValidationReport, folder: Path) -> None:
    from distbench.errors import RefusedError
    from distbench.submission.rerun.record import keep_record

    try:
        echo(f"record: {keep_record(path, report, folder)}", err=True)
    except RefusedError as error:
        echo(f"no record: {error}", err=True)


def _print(report: ValidationReport) -> None:
    from distbench.submission.validation_report import shown

    echo(f"{shown(report.bundle)}: {'refused' if report.reasons else 'accepted'}")
    for line in report.numbered_reasons():
        echo(line)
    facts = report.facts
    if facts and not report.reasons:
        cells = facts["cells"]
        echo(
            f"  suite {facts['suite']}, {facts['methods']} methods x {facts['tasks']} tasks x "
            f"{facts['seeds']} seeds: {cells['done']} of {cells['planned']} cells done"
        )
        echo(
            f"  submitted by {facts['submitter']} under {facts['licence']}; accuracies of "
            f"{facts['recomputed']} rows recomputed from their predictions"
        )
    if "rerun_choice" in facts:
        echo(f"  computed again (--choice {facts['rerun_choice']}):")
        for one in facts["rerun"]:
            more = f", accuracy differs by {one['difference']:.4f}" if "difference" in one else ""
            if scores := Counter(one.get("scores", {}).values()):
                more += "; scores of metrics: " + ", ".join(
                    f"{n} {how}" for how, n in scores.items()
                )
            echo(f"    {one['cell']}: {one['outcome']}{more}")
    for text in report.notes:
        echo(f"  note: {text}")
