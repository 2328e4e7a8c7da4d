"""`distbench fetch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.workflows.fetch import Need

EPILOG = "Example: distbench fetch --suite paper8 --only 'eurosat'"


@o.with_options(*("suite", "task", "zoo", "student"), ..., *("offline", "plugin", "config"))
def fetch(
    given: dict[str, Any],
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only tasks whose id matches, or zoo, or student; repeats."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is needed and how much; fetch nothing.")
    ] = False,
    json: o.Json = False,
) -> None:
    """Download what a run needs, before it starts; what is here already is left alone."""
    from distbench.storage.network.downloads import readable
    from distbench.workflows import fetch as fetching

    wanted = fetching.needs(o.run_config(given), tuple(only or ()))
    if json:
        o.print_json(
            [
                {
                    "of": need.of,
                    "what": need.download.what,
                    "present": need.present,
                    "missing_bytes": need.size,
                    "problem": need.problem,
                }
                for need in wanted
            ]
        )
    else:
        echo(_table(wanted))
    missing = [need for need in wanted if not need.present]
    total = sum(need.size or 0 for need in missing)
    unknown = sum(need.size is None for need in missing)
    if not json:
        more = f" and {unknown} of unknown size" if unknown else ""
        echo(f"\n{readable(total)}{more} to fetch." if missing else "\nNothing to fetch.")
    if missing and not dry_run:
        get(missing, lambda need: need.of)


def get(missing: list[Need], name: Callable[[Need], str]) -> None:
    """Downloads what is missing, and says by name what could not be had."""
    from distbench.cli.shown.progress import ByteProgress
    from distbench.errors import DataError
    from distbench.workflows.fetch import fetch as fetch_all

    with ByteProgress() as progress:
        failed = fetch_all(missing, progress)
    for need in failed:
        echo(f"distbench: {name(need)}: {need.problem}", err=True)
    for need in missing:
        if commit := need.download.commit():
            echo(f"{need.download.what}: commit {commit}", err=True)
    if failed:
        raise DataError(f"{len(failed)} of {len(missing)} downloads could not be had")


def _table(wanted: list[Need]) -> str:
    from distbench.storage.network.downloads import readable

    rows = []
    for need in wanted:
        state = "here" if need.present else need.problem or "to fetch"
        size = "-" if need.present else "?" if need.size is None else readable(need.size)
        rows.append([need.of, need.download.what, size, state])
    return table(rows, ["for", "what", "missing", ""]) if rows else "nothing is needed"
