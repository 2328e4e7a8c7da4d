"""`distbench submit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo

EPILOG = (
    'Example: distbench submit runs/mini-1a2b3c4d --submitter "Ada Lovelace" --licence CC-BY-4.0'
)


def submit(
    run: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of a run or a study, or its name under runs/; the latest run if left out."
        ),
    ] = None,
    submitter: Annotated[
        str, typer.Option(help="Who answers for the results, as it shall be shown.")
    ] = ...,  # type: ignore[assignment] # typer's way to say that an option is required
    licence: Annotated[
        str, typer.Option(help="Licence of the results, e.g. CC-BY-4.0 or CC0-1.0.")
    ] = ...,  # type: ignore[assignment]
    output: Annotated[Path, typer.Option(help="Folder for the bundle.")] = Path(),
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle. \\[default: the run's]")
    ] = None,
    note: Annotated[
        str | None, typer.Option(help="What readers should know, one sentence.")
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option(
            help="Put test probabilities in, for measures that read them; without them a bundle "
            "is a tenth as large."
        ),
    ] = True,
    to: Annotated[
        str | None,
        typer.Option(
            help="Open a pull request with it on ORG/DATASET, a dataset repository of the Hub "
            "(`hf auth login` or HF_TOKEN)."
        ),
    ] = None,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Make one file of a run, checked as it will be checked when it is handed in."""
    from distbench.engine.records.run_folder import open_run
    from distbench.storage.folders import check_folder
    from distbench.submission.board_gap import board_gap
    from distbench.submission.publish import submit as publish
    from distbench.submission.study_scores import open_study, study_folder
    from distbench.workflows.results.propose import propose, target_of

    check_folder(output, "--output")
    target = target_of(to) if to is not None else None
    study = study_folder(run)
    opened, metrics = open_study(study) if study else (open_run(run), None)
    path, report = publish(
        opened,
        submitter=submitter,
        licence=licence,
        output=output,
        name=name or (study.name if study else None),
        note=note,
        metrics=metrics,
        probabilities=probabilities,
        plugins=tuple(plugin or ()),
    )
    address = propose(target, path, report) if target is not None else None
    if json:
        handed_in = {} if address is None else {"pull_request": address}
        o.print_json({"file": str(path), **handed_in, **report.as_dict()})
        return
    for text in (*report.notes, *board_gap(path, Path("registry/results"))):
        echo(f"note: {text}", err=True)
    cells = report.facts["cells"]
    judged = f", scores of {report.facts['metrics']} metrics" if metrics else ""
    echo(f"{path}: {cells['done']} of {cells['planned']} cells done{judged}, validated.")
    if address is not None:
        echo(f"Pull request: {address}")
        return
    echo(
        f"Next: add {path.name} to registry/results/ in a fork of the distbench repository and "
        "open a pull request with that one file (docs/submitting.md)."
    )
