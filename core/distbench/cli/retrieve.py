"""`distbench retrieve`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distbench.cli import options as o

if TYPE_CHECKING:
    from distbench.workflows.retrieve import Curated

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        "retrieve",
        epilog="Example: distbench retrieve --task folder:path=photos --zoo local:path=models "
        "--gallery images:path=crawled --encoder clip --budget 5000 --output transfer.csv",
    )(retrieve)


def retrieve(
    gallery: Annotated[
        str, typer.Option(help="Images to choose from, e.g. images:path=DIR; labels are not used.")
    ],
    encoder: Annotated[str, typer.Option(help="Source of the zoo by whose features to compare.")],
    budget: Annotated[
        int, typer.Option(min=2, help="Size of the set, the labelled images counted in.")
    ],
    task: o.Tasks = None,
    zoo: o.Zoo = None,
    suite: o.Suite = None,
    overlap: o.Overlap = None,
    labelled: o.Labelled = None,
    output: Annotated[
        Path | None,
        typer.Option(help="CSV file, or a folder for it. \\[default: below $DISTBENCH_HOME]"),
    ] = None,
    device: o.Device = None,
    offline: o.Offline = None,
    plugin: o.Plugins = None,
    skip_corrupt: o.SkipCorrupt = None,
    json: o.Json = False,
) -> None:
    """Choose a transfer set for a task: the images of a gallery nearest to its labelled ones.

    Each labelled image gets as many, budget / labelled images - 1, and no image is taken twice.
    The list is stored; images:path=DIR,only=LIST takes just these.
    """
    given = dict(locals())
    for name in ("gallery", "encoder", "budget", "output", "json"):
        given.pop(name)
    from distbench.planning.config import RunConfig
    from distbench.storage.atomic import write_atomic
    from distbench.storage.hashing import digest
    from distbench.storage.home import home
    from distbench.workflows.retrieve import curate

    given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    transfer_set = curate(
        RunConfig.make(None, baseline=("none",), **given), gallery, encoder, budget
    )
    text = transfer_set.csv()
    if output is None:
        file = home() / "transfer" / f"{transfer_set.task}-{digest(text)[:8]}.csv"
    else:
        file = output if output.suffix and not output.is_dir() else output / "transfer.csv"
    write_atomic(file, text)
    if json:
        o.print_json({**asdict(transfer_set), "stored": str(file)})
        return
    _print(transfer_set)
    typer.echo(f"stored in {file}", err=True)


def _print(transfer_set: Curated) -> None:
    from tabulate import tabulate

    shown = transfer_set.images[:_SHOWN]
    rows = [[one.image, one.query, one.similarity] for one in shown]
    typer.echo(tabulate(rows, ["image", "chosen for", "similarity"], "simple", floatfmt=".4f"))
    if len(transfer_set.images) > len(shown):
        typer.echo(f"... and {len(transfer_set.images) - len(shown)} more")
    whole = transfer_set.each * transfer_set.queries >= transfer_set.available
    share = "all there are" if whole else f"{transfer_set.each} for each labelled one"
    typer.echo(
        f"\n{transfer_set.task}: {len(transfer_set.images)} of {transfer_set.available} images of "
        f"{transfer_set.gallery}, {share}; {transfer_set.queries} labelled images, "
        f"encoder {transfer_set.encoder}."
    )
