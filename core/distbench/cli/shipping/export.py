"""`distbench export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.workflows.export.loss import Loss
    from distbench.workflows.export.write import Exported

EPILOG = "Example: distbench export mini-cub:finetune:0 --to onnx --output birds"


def export(
    cell: Annotated[
        str | None,
        typer.Argument(help="TASK:METHOD:SEED, a cell's key, or at least 4 characters of it."),
    ] = None,
    *,
    to: Annotated[
        list[str],
        typer.Option(help="onnx, onnx-fp16, onnx-int8, torch, timm or pt2; repeats."),
    ],
    whole_image: Annotated[
        bool,
        typer.Option(
            "--whole-image", help="Have ONNX files take images of any size, and resize them."
        ),
    ] = False,
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
        typer.Option(
            help="Folder to write, or of several formats the folder of their folders. \\[default: "
            "exports/CELL-FORMAT in the run's folder]"
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            help="Push the folder to ORG/NAME, a model repository of the Hub, made if it is not "
            "there (`hf auth login` or HF_TOKEN)."
        ),
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Make that repository private. \\[default: as its owner's setting on the Hub]",
        ),
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option(
            help="Of the student, for its card, e.g. apache-2.0. \\[default: none; that of a "
            "source where one was trained itself]"
        ),
    ] = None,
    json: o.Json = False,
) -> None:
    """Write the student of a cell with its preprocessing, class names and a model card.

    What was written is checked against the trained student on images of the task, and its size and
    the time of one image are measured; of what rounds (fp16, int8, resizing inside) the accuracy on
    test images too. A student whose weights were not kept is trained again.
    """
    from distbench.cli.shown.progress import show_line
    from distbench.errors import UsageError
    from distbench.storage.folders import check_folder
    from distbench.storage.network.hub_push import HubTarget
    from distbench.workflows.export import export_forms

    if (cell is None) == (best is None):
        raise UsageError("name a cell as TASK:METHOD:SEED, or a task with --best TASK; one of them")
    if private and push is None:
        raise UsageError("--private is of a repository; name it with --push ORG/NAME")
    target = HubTarget.named(push, "--push", private=private) if push is not None else None
    if output is not None:
        check_folder(output.parent, "--output")
    done = export_forms(
        cell or best or "",
        to,
        best=cell is None,
        whole=whole_image,
        run=run,
        output=output,
        target=target,
        licence=licence,
        progress=show_line,
    )
    if json:
        o.print_json(_table(done[0]) if len(done) == 1 else [_table(one) for one in done])
    else:
        _show(done)


def _table(exported: Exported) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "folder": str(exported.folder),
        "format": exported.to,
        "cell": exported.cell.id,
        "key": exported.cell.key,
        "files": exported.files,
        "check": asdict(exported.check),
        "accuracy": exported.accuracy if exported.loss is None else exported.loss.after,
        "loss": exported.loss and asdict(exported.loss),
        "footprint": asdict(exported.footprint),
        "pushed": exported.pushed and asdict(exported.pushed),
    }


def _show(done: Sequence[Exported]) -> None:
    from distbench.workflows.export.card_forms import BUSY

    for one in done:
        echo(f"{one.folder}: {', '.join(one.files)}, of {one.cell.id}")
        echo(f"Checked: {one.check}. README.md says how to use it.")
        if one.pushed is not None:
            echo(f"Pushed to {one.pushed.told}")
    threads = list(done[0].footprint.milliseconds)
    rows = [
        [
            one.to,
            f"{one.footprint.size / 1e6:.2f}",
            *(f"{one.footprint.milliseconds[count]:.2f}" for count in threads),
            f"{100 * (one.accuracy if one.loss is None else one.loss.after):.1f}",
            "the same" if one.loss is None else _changed(one.loss),
        ]
        for one in done
    ]
    times = [f"ms, {count} thread{'s' if count > 1 else ''}" for count in threads]
    echo()
    echo(table(rows, ["format", "MB", *times, "test accuracy", "answers"]))
    busy = BUSY if any(one.footprint.busy for one in done) else ""
    echo(f"\nOne image at a time on {done[0].footprint.processor}, decoding not counted.{busy}")


def _changed(loss: Loss) -> str:
    return (
        f"{loss.changed} of {loss.images} differ: {loss.lost} now wrong, {loss.gained} now right"
        f" (before: {100 * loss.before:.1f} %)"
    )
