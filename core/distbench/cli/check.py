"""`distbench check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table
from distbench.storage.safe_text import plain_line

if TYPE_CHECKING:
    from distbench.testing.run import Verdict

EPILOG = (
    "Examples: distbench check my_package; distbench check my_metric.py; "
    "distbench check strategy:weighted:power=3"
)


def check(
    target: Annotated[
        str,
        typer.Argument(
            help="An installed plugin or distribution, a file.py, or a component KIND:NAME."
        ),
    ],
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Run the conformance suite on a plugin: what holds for every component of its kind.

    Exit code 1 where a check fails.
    """
    from distbench.testing.run import cases_of

    verdicts = []
    for case in cases_of(target, tuple(plugin or ())):
        if _live():
            _overwrite(f"{case.component} {case.check}")
        verdicts.append(case.run())
    if _live():
        _overwrite("")
    if json:
        o.print_json([asdict(verdict) for verdict in verdicts])
    else:
        _show(verdicts)
    if not verdicts or any(verdict.result == "failed" for verdict in verdicts):
        raise typer.Exit(1)


def _live() -> bool:
    """Whether a person looks on."""
    import sys

    return sys.stderr.isatty()


def _overwrite(line: str) -> None:
    """Puts a line in the place of the last one on stderr."""
    typer.echo(f"\r\x1b[K{plain_line(line)}", err=True, nl=False)


def _show(verdicts: list[Verdict]) -> None:
    from collections import Counter

    rows, last = [], ""
    for verdict in verdicts:
        note = "; ".join(part for part in (verdict.note, verdict.remedy) if part)
        result = verdict.result.upper() if verdict.result == "failed" else verdict.result
        component = verdict.component if verdict.component != last else ""
        rows.append([component, verdict.check, result, " ".join(note.split())])
        last = verdict.component
    if rows:
        echo(table(rows, ["component", "check", "result", ""]))
    counts: Counter[str] = Counter(verdict.result for verdict in verdicts)
    order = ("passed", "failed", "declined", "skipped")
    totals = ", ".join(f"{counts[result]} {result}" for result in order if counts[result])
    echo(f"\n{totals}" if totals else "it offers no components: there is nothing to check")
