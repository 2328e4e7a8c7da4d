"""`distbench advise`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, echo_failed

if TYPE_CHECKING:
    from distbench.engine.records.run_folder import RunFolder
    from distbench.planning.config import RunConfig
    from distbench.workflows.advise.advise import Advice

EPILOG = "Example: distbench advise --task folder:path=photos --zoo local:path=models"
STRATEGIES = ("nearest", "weighted", "equal")
"""What is compared unless the user says otherwise."""


@o.with_options(
    ...,
    *("task", "zoo", "student", "suite", *o.METHODS, "seeds", "overlap"),
    *(*o.PROTOCOL, *o.EXECUTION, "name", *o.DATA, "save_student", "config"),
)
def advise(
    given: dict[str, Any],
    run: Annotated[
        Path | None,
        typer.Argument(
            help="A finished run's folder, or its name under runs/; the latest if neither it nor "
            "anything to run is given."
        ),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Write a page with pictures for each task.")
    ] = True,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Train the advised method and the baseline with a quarter and half of the labels "
            "too: four more cells a task and seed.",
        ),
    ] = False,
    json: o.Json = False,
) -> None:
    """Advise on a task: which sources, which method and student, what more labels are worth.

    Reads a finished run, or trains the methods to be compared first. Everything is chosen on
    training and validation images; test images only say how good it is.
    """
    from distbench.engine.records.run_folder import open_run
    from distbench.errors import UsageError

    asked = sorted(name for name, value in given.items() if value not in (None, ()))
    if run is not None and asked:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise UsageError(
            f"a finished run is read as it is: leave out {options}, or leave out {str(run)!r} to "
            "train"
        )
    if curve and not asked:
        raise UsageError(
            "--curve trains, and a finished run does not say by which options: give these, as "
            "for `distbench run`; its cells are not computed again"
        )
    config = _config(given) if asked else None
    opened = open_run(run) if config is None else _trained(config)
    for line in opened.warnings:
        echo(f"warning: {line}", err=True)
    if opened.missing:
        echo(f"note: {opened.folder}: {opened.missing}", err=True)
    done = advised(opened, page=page, curve_of=config if curve else None)
    if json:
        o.print_json(done.as_dict())
    else:
        echo(done.text())


@dataclass(frozen=True)
class Advised:
    """The advice of a run, and where its pages lie.

    Attributes:
        advice: The advice.
        pages: Files by task.
    """

    advice: Advice
    pages: Mapping[str, Path]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "folder": str(self.advice.run.folder),
            "tasks": [one.as_dict() for one in self.advice.tasks],
            "declined": dict(self.advice.declined),
            "pages": {task: str(path) for task, path in self.pages.items()},
        }

    def text(self) -> str:
        """For a terminal."""
        from distbench.cli.shown.advice_text import advice_text

        parts = []
        for one in self.advice.tasks:
            parts.append(advice_text(one))
            if one.task in self.pages:
                parts.append(f"The same with pictures, in one file: {self.pages[one.task]}")
        return "\n\n".join(parts)


def advised(run: RunFolder, *, page: bool, curve_of: RunConfig | None = None) -> Advised:
    """Advises on a run and writes its pages; which tasks it cannot advise on goes to stderr.

    Args:
        run: The run.
        page: Whether pages are written.
        curve_of: What made the run, to train with fewer labels too; None not to.
    """
    from distbench.cli.shown.progress import UnitProgress, show_line
    from distbench.workflows.advise.advise import advise as advise_on
    from distbench.workflows.advise.report import write_pages

    advice = advise_on(run, progress=show_line)
    for task, why in advice.declined.items():
        echo(f"warning: no advice on {task}: {why}", err=True)
    if curve_of is not None:
        from distbench.workflows.advise.label_runs import with_method_curves

        with UnitProgress() as progress:
            advice, warnings = with_method_curves(advice, curve_of, progress)
        for warning in warnings:
            echo(f"warning: {warning}", err=True)
    return Advised(advice, write_pages(advice) if page else {})


def _config(given: dict[str, Any]) -> RunConfig:
    """What is run: the three ways to weigh sources unless the user names some."""
    config = o.run_config(given)
    if "strategy" not in config.model_fields_set:
        config = config.model_copy(update={"strategy": STRATEGIES})
    return config


def _trained(config: RunConfig) -> RunFolder:
    """The run of what is to be compared; finished cells are not computed again."""
    from distbench.cli.shown.progress import UnitProgress
    from distbench.engine.records.run_folder import RunFolder
    from distbench.workflows.run import execute

    with UnitProgress() as progress:
        result = execute(config, progress=progress, on_plan=o.print_notes)
    echo_failed(result.failed)
    for warning in result.warnings:
        echo(f"warning: {warning}", err=True)
    return RunFolder(result.folder, result.plan, result.rows)
