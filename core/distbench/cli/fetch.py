"""`distbench fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o

if TYPE_CHECKING:
    from distbench.workflows.fetch import Need


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fetch", epilog="Example: distbench fetch --suite paper8 --only 'eurosat'")(fetch)


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
    from distbench.errors import DataError
    from distbench.storage.downloads import readable
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
        typer.echo(_table(wanted))
    missing = [need for need in wanted if not need.present]
    total = sum(need.size or 0 for need in missing)
    unknown = sum(need.size is None for need in missing)
    if not json:
        more = f" and {unknown} of unknown size" if unknown else ""
        typer.echo(f"\n{readable(total)}{more} to fetch." if missing else "\nNothing to fetch.")
    if dry_run or not missing:
        return
    from distbench.cli.progress import ByteProgress

    with ByteProgress() as progress:
        failed = fetching.fetch(missing, progress)
    for need in failed:
        typer.echo(f"distbench: {need.of}: {need.problem}", err=True)
    if failed:
        raise DataError(f"{len(failed)} of {len(missing)} downloads could not be had")


def _table(wanted: list[Need]) -> str:
    from tabulate import tabulate

    from distbench.storage.downloads import readable

    rows = []
    for need in wanted:
        state = "here" if need.present else need.problem or "to fetch"
        size = "-" if need.present else "?" if need.size is None else readable(need.size)
        rows.append([need.of, need.download.what, size, state])
    return tabulate(rows, ["for", "what", "missing", ""], "simple") if rows else "nothing is needed"
