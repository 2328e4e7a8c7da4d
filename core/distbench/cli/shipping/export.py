"""`distbench export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = "Example: distbench export mini-cub:finetune:0 --to onnx --output birds"


def export(
    cell: Annotated[
        str | None,
        typer.Argument(help="TASK:METHOD:SEED, a cell's key, or at least 4 characters of it."),
    ] = None,
    *,
    to: Annotated[Literal["onnx", "torch", "timm"], typer.Option(help="The format.")],
    best: Annotated[
        str | None,
        typer.Option(help="A task: in place of a cell, its student that is best on validation."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="A run's folder, or its name under runs/; the latest if left out."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder to write. \\[default: exports/CELL-FORMAT in the run's folder]"),
    ] = None,
    json: o.Json = False,
) -> None:
    """Write the student of a cell with its preprocessing, class names and a model card.

    What was written is checked against the trained student on images of the task. A student whose
    weights were not kept is trained again.
    """
    from dataclasses import asdict

    from distbench.cli.shown.progress import show_line
    from distbench.errors import UsageError
    from distbench.storage.folders import check_folder
    from distbench.workflows.export import export_cell

    if (cell is None) == (best is None):
        raise UsageError("name a cell as TASK:METHOD:SEED, or a task with --best TASK; one of them")
    if output is not None:
        check_folder(output.parent, "--output")
    exported = export_cell(
        cell or best or "", to, best=cell is None, run=run, output=output, progress=show_line
    )
    if json:
        o.print_json(
            {
                "folder": str(exported.folder),
                "format": exported.to,
                "cell": exported.cell.id,
                "key": exported.cell.key,
                "files": exported.files,
                "check": asdict(exported.check),
            }
        )
        return
    echo(f"{exported.folder}: {', '.join(exported.files)}, of {exported.cell.id}")
    echo(f"Checked: {exported.check}. README.md says how to use it.")
