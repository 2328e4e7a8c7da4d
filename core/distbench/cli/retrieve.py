"""`distbench retrieve`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.workflows.retrieve import Curated

_SHOWN = 10

EPILOG = (
    "Example: distbench retrieve --task folder:path=photos --zoo local:path=models "
    "--gallery images:path=crawled --encoder clip --budget 5000 --output transfer.csv"
)


@o.with_options(
    ...,
    *("task", "zoo", "suite", "overlap", "labelled"),
    *("device", "offline", "plugin", *o.DATA),
)
def retrieve(
    given: dict[str, Any],
    gallery: Annotated[
        str, typer.Option(help="Images to choose from, e.g. images:path=DIR; labels are not used.")
    ],
    encoder: Annotated[str, typer.Option(help="Source of the zoo by whose features to compare.")],
    budget: Annotated[
        int, typer.Option(min=2, help="Size of the set, the labelled images counted in.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="CSV file, or a folder for it. \\[default: below $DISTBENCH_HOME]"),
    ] = None,
    json: o.Json = False,
) -> None:
    """Choose a transfer set for a task: the images of a gallery nearest to its labelled ones.

    Each labelled image gets as many, budget / labelled images - 1, and no image is taken twice.
    The list is stored; images:path=DIR,only=LIST takes just these.
    """
    from distbench.storage.atomic import write_atomic
    from distbench.storage.folders import check_file
    from distbench.storage.hashing import digest
    from distbench.storage.home import home
    from distbench.workflows.retrieve import curate

    file = output
    if output is not None:
        file = output if output.suffix and not output.is_dir() else output / "transfer.csv"
        check_file(file, "--output")
    curated = curate(o.run_config(given, baseline=("none",)), gallery, encoder, budget)
    text = curated.csv()
    if file is None:
        file = home() / "transfer" / f"{curated.task}-{digest(text)[:8]}.csv"
    write_atomic(file, text)
    for note in curated.notes:
        echo(f"note: {curated.task}: {note}", err=True)
    if json:
        o.print_json({**asdict(curated), "stored": str(file)})
        return
    _print(curated)
    echo(f"stored in {file}", err=True)


def _print(curated: Curated) -> None:
    shown = curated.images[:_SHOWN]
    rows = [[one.image, one.query, one.similarity] for one in shown]
    echo(table(rows, ["image", "chosen for", "similarity"], floatfmt=".4f"))
    if len(curated.images) > len(shown):
        echo(f"... and {len(curated.images) - len(shown)} more")
    whole = curated.each * curated.queries >= curated.available
    share = "all there are" if whole else f"{curated.each} for each labelled one"
    echo(
        f"\n{curated.task}: {len(curated.images)} of {curated.available} images of "
        f"{curated.gallery}, {share}; {curated.queries} labelled images, encoder {curated.encoder}."
    )
