"""Options that several commands share, so that they read and mean the same everywhere.

The alias of an option is its name in capitals: `ImageSize` is ``--image-size``. A command takes
single ones in its signature, or whole groups with `with_options`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from distbench.planning.config import RunConfig
    from distbench.planning.plan import PlannedTask

METHODS = ("metric", "strategy", "distiller", "baseline")
PROTOCOL = (
    *("labelled", "validation", "image_size", "steps", "batch", "threads", "probe_size"),
    "precision",
)
DATA = ("skip_corrupt", "verify_data")
EXECUTION = ("executor", "workers", "timeout", "device", "offline", "plugin")

_WHAT = "What to run"
_PROTOCOL = "Protocol (overrides the suite's)"
_HOW = "How to run"

Suite = Annotated[
    str | None,
    typer.Option(help="Suite by name, or a TOML file. \\[default: mini]", rich_help_panel=_WHAT),
]
Task = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        help="Target task; repeat for several, e.g. mini-cub or folder:path=my_images. "
        "\\[default: those of the suite]",
        rich_help_panel=_WHAT,
    ),
]
Zoo = Annotated[
    str | None,
    typer.Option(
        help="Source models, e.g. local:path=my_models. \\[default: the suite's]",
        rich_help_panel=_WHAT,
    ),
]
Student = Annotated[
    str | None,
    typer.Option(
        help="Network to train, e.g. timm:mobilenetv3_small_100. \\[default: the suite's]",
        rich_help_panel=_WHAT,
    ),
]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Scores the sources; repeats; all for every one. \\[default: logme]",
        rich_help_panel=_WHAT,
    ),
]
Strategy = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        help="Turns scores into weights, e.g. weighted:power=9; repeats. \\[default: weighted]",
        rich_help_panel=_WHAT,
    ),
]
Distiller = Annotated[
    list[str] | None,
    typer.Option(
        "--distiller",
        help="Learns from weighted sources; repeats; none for baselines only. "
        "\\[default: pseudo_labels]",
        rich_help_panel=_WHAT,
    ),
]
Baseline = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        help="Method without sources; repeats; none for no baseline. "
        "\\[default: finetune, fixmatch]",
        rich_help_panel=_WHAT,
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(help="Number of seeds. \\[default: the suite's, else 1]", rich_help_panel=_WHAT),
]
FirstSeed = Annotated[
    int | None,
    typer.Option(
        help="First of the seeds; others than those that something was chosen on confirm it. "
        "A submission has the seeds from 0. \\[default: 0]",
        rich_help_panel=_WHAT,
    ),
]
Overlap = Annotated[
    str | None,
    typer.Option(
        help="Sources that saw a task: exclude them, or allow and mark them. "
        "\\[default: the suite's, else exclude]",
        rich_help_panel=_WHAT,
    ),
]
Labelled = Annotated[
    str | None,
    typer.Option(
        help="Labels that are used: a share of train such as 0.2, or 5-per-class.",
        rich_help_panel=_PROTOCOL,
    ),
]
Validation = Annotated[
    float | None,
    typer.Option(help="Share of train kept for validation.", rich_help_panel=_PROTOCOL),
]
ImageSize = Annotated[
    int | None,
    typer.Option(help="Side of the student's input, pixels.", rich_help_panel=_PROTOCOL),
]
Steps = Annotated[
    int | None, typer.Option(help="Optimiser steps of a student.", rich_help_panel=_PROTOCOL)
]
Batch = Annotated[
    int | None,
    typer.Option("--batch", help="Labelled images of a step.", rich_help_panel=_PROTOCOL),
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads of a cell.", rich_help_panel=_PROTOCOL)
]
ProbeSize = Annotated[
    int | None,
    typer.Option(help="Labelled images that a metric sees at most.", rich_help_panel=_PROTOCOL),
]
Precision = Annotated[
    str | None,
    typer.Option(help="fp32, bf16 or fp16. \\[default: fp32]", rich_help_panel=_PROTOCOL),
]
Executor = Annotated[
    str | None,
    typer.Option(help="Who computes the cells. \\[default: local]", rich_help_panel=_HOW),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Cells at once. \\[default: cores / threads; 1 on an accelerator]",
        rich_help_panel=_HOW,
    ),
]
Timeout = Annotated[
    float | None, typer.Option(help="Seconds that a cell may take.", rich_help_panel=_HOW)
]
Device = Annotated[
    str | None,
    typer.Option(help="auto, cpu, cuda, cuda:1, mps. \\[default: auto]", rich_help_panel=_HOW),
]
Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="A Python file with components or hooks; repeats.",
        rich_help_panel=_HOW,
    ),
]
Reporter = Annotated[
    list[str] | None,
    typer.Option("--reporter", help="Is told of every cell; repeats.", rich_help_panel=_HOW),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="Name of the run's folder under runs/. \\[default: from the configuration]",
        rich_help_panel=_HOW,
    ),
]
Offline = Annotated[
    bool | None,
    typer.Option(
        "--offline",
        help="Contact nothing: everything was fetched before (`distbench fetch`).",
        rich_help_panel=_HOW,
        show_default=False,
    ),
]
SkipCorrupt = Annotated[
    bool | None,
    typer.Option(
        "--skip-corrupt",
        help="Leave out images that cannot be read, and count them.",
        rich_help_panel=_HOW,
        show_default=False,
    ),
]
VerifyData = Annotated[
    bool | None,
    typer.Option(
        "--verify-data",
        help="Read all files again, also those whose size, times and inode did not change.",
        rich_help_panel=_HOW,
        show_default=False,
    ),
]
SaveStudent = Annotated[
    bool | None,
    typer.Option(
        "--save-student/--no-save-student",
        help="Keep the student that is best on validation. \\[default: where no suite is run]",
        rich_help_panel=_HOW,
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        help="TOML file whose keys are these options; the command line wins.",
        rich_help_panel=_HOW,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def with_options(
    *names: str | EllipsisType, **instead: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command shared options; it gets what was given of them as its first argument.

    Args:
        names: Of the options, in the order of the help; ``...`` stands for the command's own.
        instead: Another option by the name of one.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        parameters: list[inspect.Parameter] = []
        for name in names:
            if isinstance(name, str):
                alias = globals()[name.title().replace("_", "")]
                kind, of = inspect.Parameter.KEYWORD_ONLY, instead.get(name, alias)
                parameters.append(inspect.Parameter(name, kind, default=None, annotation=of))
            else:
                parameters += [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]

        @wraps(command)
        def called(**values: Any) -> None:
            mine = {parameter.name: values.pop(parameter.name) for parameter in own}
            command({k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}, **mine)

        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return decorate


def run_config(given: dict[str, Any], **more: Any) -> RunConfig:
    """The configuration that shared options make, over that of a file where one is given."""
    from distbench.planning.config import RunConfig

    return RunConfig.make(given.pop("config", None), **{**given, **more})


def print_notes(tasks: Iterable[PlannedTask]) -> None:
    """What a reader of results should know of the data, to stderr."""
    for task in tasks:
        for note in task.notes:
            typer.echo(f"note: {task.id}: {note}", err=True)


def print_json(value: object) -> None:
    """Prints a value as JSON on stdout."""
    import json

    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
