"""`distbench predict`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.workflows.predict.evaluation import Evaluation
    from distbench.workflows.predict.predict import Predicted

EPILOG = "Example: distbench predict exports/birds photos/ --output birds.csv"
_SHOWN = 10


def predict(
    model: Annotated[
        Path,
        typer.Argument(
            help="A folder that `distbench export` or a run wrote, or its model.onnx, model.pt2 or "
            "model.safetensors. The load.py of a PyTorch export is run, and a model.pt2 may run "
            "code: trust them first.",
        ),
    ],
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders, patterns such as 'photos/**/*.jpg', or tables (.csv, .tsv, "
            ".parquet) with a column of files."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="File for the answers: .csv, .jsonl or .parquet. \\[default: lines on stdout]"
        ),
    ] = None,
    form: Annotated[
        Literal["csv", "jsonl", "parquet"] | None,
        typer.Option("--format", help="Format. \\[default: as the suffix of --output, else csv]"),
    ] = None,
    top: Annotated[int, typer.Option(help="How many classes of an image are written.")] = 3,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Judge the answers: classes are the names of folders, or a column of a table. "
            "Without --output this alone is printed.",
        ),
    ] = False,
    path_column: Annotated[
        str | None,
        typer.Option(help="Column of a table with the files. \\[default: image, path, file, ...]"),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Column of a table with the classes. \\[default: label, class, ...]"),
    ] = None,
    batch: Annotated[int, typer.Option(help="Images that the model is given at once.")] = 32,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads that decode images and run the model. \\[default: one a core]"),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the evaluation, or the counts, as JSON.")
    ] = False,
) -> None:
    """Say which classes images show, by an exported student.

    Images that cannot be read are named and left out; the exit code is 1 then.
    """
    from distbench.cli.shown.progress import UnitProgress
    from distbench.storage.folders import check_file
    from distbench.workflows.predict.inputs import Columns
    from distbench.workflows.predict.predict import predict as predict_images

    if output is not None:
        check_file(output, "--output")
    streamed = output is None and not evaluate and not json
    with UnitProgress() as progress:
        done = predict_images(
            model,
            images,
            output=output,
            form=form,
            top=top,
            labelled=evaluate,
            columns=Columns(path_column, label_column),
            batch=batch,
            threads=threads,
            put=partial(echo, nl=False) if streamed else None,
            progress=progress,
        )
    _report(done, output, as_json=json)
    if done.unreadable:
        raise typer.Exit(1)


def _report(done: Predicted, output: Path | None, *, as_json: bool) -> None:
    for file, why in done.unreadable.items():
        echo(f"warning: cannot read image {file!r}: {why}", err=True)
    if as_json:
        o.print_json(
            {
                "images": done.images,
                "unreadable": done.unreadable,
                "output": None if output is None else str(output),
                "evaluation": done.evaluation and done.evaluation.as_dict(),
                "wrong": [one.table(labelled=True) for one in done.wrong],
            }
        )
        return
    if done.evaluation is not None:
        _print_evaluation(done.evaluation, done)
    left_out = f", {len(done.unreadable)} could not be read" if done.unreadable else ""
    where = f" in {output}" if output is not None else ""
    echo(f"{done.images} images predicted{where}{left_out}.", err=output is None)


def _print_evaluation(evaluation: Evaluation, done: Predicted) -> None:
    interval = ""
    if evaluation.low is not None and evaluation.high is not None:
        low, high = 100 * evaluation.low, 100 * evaluation.high
        interval = f" (95 % interval for new images {low:.1f} to {high:.1f})"
    what = "every class right" if evaluation.several else "accuracy"
    echo(
        f"{what}: {100 * evaluation.accuracy:.1f} % of {evaluation.images} images{interval}; "
        f"balanced accuracy {100 * evaluation.balanced_accuracy:.1f} %\n"
    )
    rows = [
        [one.name, one.images, one.predicted, _percent(one.recall), _percent(one.precision)]
        for one in evaluation.classes
    ]
    echo(table(rows, ["class", "images", "predicted", "recall %", "precision %"]))
    pairs = evaluation.confused()
    if pairs:
        echo("\nTaken for another class most often:")
        echo(table(pairs[:_SHOWN], ["class", "taken for", "images"]))
    if done.wrong:
        echo(f"\n{len(done.wrong)} images are predicted wrongly:")
        for one in done.wrong[:_SHOWN]:
            shown, said = "|".join(one.labels or ()), "|".join(one.predicted)
            echo(f"  {one.image}: {shown or 'none'}, predicted {said or 'none'}")
        if len(done.wrong) > _SHOWN:
            echo(
                f"  and {len(done.wrong) - _SHOWN} more; all are in --json, and in --output where "
                "`right` is false"
            )
    echo()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
