"""Options that several commands share, so that they read and mean the same everywhere.

The alias of an option is its name in capitals: `ImageSize` is ``--image-size``. A command takes
single ones in its signature, or whole groups with `with_options`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli.shown.output import echo, echo_json

if TYPE_CHECKING:
    from distbench.planning.config import RunConfig
    from distbench.planning.plan import Plan

METHODS = ("metric", "strategy", "distiller", "baseline")
PROTOCOL = (
    *("labelled", "validation", "image_size", "steps", "batch", "threads", "probe_size"),
    *("precision", "flip", "crop", "store", "deterministic", "compile"),
)
DATA = ("skip_corrupt", "verify_data")
EXECUTION = ("executor", "workers", "timeout", "retries", "device", "offline", "plugin")

what = partial(typer.Option, rich_help_panel="What to run")
protocol = partial(typer.Option, rich_help_panel="Protocol (overrides the suite's)")
how = partial(typer.Option, rich_help_panel="How to run")

Suite = Annotated[str | None, what(help="Suite by name, or a TOML file. \\[default: mini]")]
Task = Annotated[
    list[str] | None,
    what(
        help="Target task; repeat for several, e.g. mini-cub or folder:path=my_images. "
        "\\[default: those of the suite]"
    ),
]
Zoo = Annotated[
    list[str] | None,
    what(
        help="Source models, e.g. local:path=my_models; several zoos are one. "
        "\\[default: the suite's]"
    ),
]
Student = Annotated[
    str | None,
    what(help="Network to train, e.g. timm:mobilenetv3_small_100. \\[default: the suite's]"),
]
Metric = Annotated[
    list[str] | None,
    what(
        help="Scores the sources; repeats; all for every one. "
        "\\[default: the suite's, else logme; parc with 3 labelled images a class or fewer]"
    ),
]
Strategy = Annotated[
    list[str] | None,
    what(help="Turns scores into weights, e.g. weighted:power=9; repeats. \\[default: weighted]"),
]
Distiller = Annotated[
    list[str] | None,
    what(
        help="Learns from weighted sources; repeats; none for baselines only. "
        "\\[default: pseudo_labels]"
    ),
]
Baseline = Annotated[
    list[str] | None,
    what(
        help="Method without sources; repeats; none for no baseline. "
        "\\[default: finetune, fixmatch]"
    ),
]
Seeds = Annotated[int | None, what(help="Number of seeds. \\[default: the suite's, else 1]")]
FirstSeed = Annotated[
    int | None,
    what(
        help="First of the seeds; others than those that something was chosen on confirm it. "
        "A submission has the seeds from 0. \\[default: 0]"
    ),
]
Overlap = Annotated[
    str | None,
    what(
        help="Sources that saw a task: exclude them, or allow and mark them. "
        "\\[default: the suite's, else exclude]"
    ),
]
Measure = Annotated[
    str | None,
    what(
        help="What methods are compared by, e.g. auroc; changes no result. "
        "\\[default: as the suite says of each task, else accuracy]"
    ),
]
Labelled = Annotated[
    str | None, protocol(help="Labels that are used: a share of train such as 0.2, or 5-per-class.")
]
Validation = Annotated[float | None, protocol(help="Share of train kept for validation.")]
ImageSize = Annotated[int | None, protocol(help="Side of the student's input, pixels.")]
Steps = Annotated[int | None, protocol(help="Optimiser steps of a student.")]
Batch = Annotated[int | None, protocol(help="Labelled images of a step.")]
Threads = Annotated[int | None, protocol(help="CPU threads of a cell.")]
ProbeSize = Annotated[int | None, protocol(help="Labelled images that a metric sees at most.")]
Flip = Annotated[
    bool | None,
    protocol(
        "--flip/--no-flip",
        help="Mirror training images, or not where left and right matter; wins over what a suite "
        "says of its tasks. \\[default: as the suite or recipe says, else mirror]",
        show_default=False,
    ),
]
Crop = Annotated[
    float | None,
    protocol(
        help="Share of a stored image's side that the student is shown, about the centre, e.g. "
        "0.875. \\[default: 1]"
    ),
]
Store = Annotated[
    str | None,
    protocol(
        help="How images are kept: pixels, or jpeg for a seventh of the disk. \\[default: pixels]"
    ),
]
Deterministic = Annotated[
    bool | None,
    protocol(
        "--deterministic/--no-deterministic",
        help="Rows that are bit-equal each time, or whatever is fastest on a GPU. "
        "\\[default: bit-equal]",
        show_default=False,
    ),
]
Compile = Annotated[
    bool | None,
    protocol(
        "--compile/--no-compile",
        help="Have torch's compiler make the backbone that is trained. \\[default: no]",
        show_default=False,
    ),
]
Precision = Annotated[
    str | None, protocol(help="fp32; on CUDA also tf32, bf16 or fp16. \\[default: fp32]")
]
Executor = Annotated[str | None, how(help="Who computes the cells. \\[default: local]")]
Workers = Annotated[
    int | None, how(help="Cells at once. \\[default: cores / threads; on GPUs one for each]")
]
Timeout = Annotated[
    float | None, how(help="Seconds that a cell, or a job such as embedding, may take.")
]
Retries = Annotated[
    int | None,
    how(
        help="How often a cell or a job is tried again whose worker or machine is gone. "
        "\\[default: 1]"
    ),
]
Device = Annotated[str | None, how(help="auto, cpu, cuda, cuda:1, mps. \\[default: auto]")]
Plugin = Annotated[list[Path] | None, how(help="A Python file with components or hooks; repeats.")]
Reporter = Annotated[list[str] | None, how(help="Is told of every cell; repeats.")]
Name = Annotated[
    str | None,
    how(help="Name of the run's folder under runs/. \\[default: from the configuration]"),
]
Offline = Annotated[
    bool | None,
    how(
        "--offline",
        help="Contact nothing: everything was fetched before (`distbench fetch`).",
        show_default=False,
    ),
]
SkipCorrupt = Annotated[
    bool | None,
    how(
        "--skip-corrupt",
        help="Leave out images that cannot be read, and count them.",
        show_default=False,
    ),
]
VerifyData = Annotated[
    bool | None,
    how(
        "--verify-data",
        help="Read all files again, also those whose size, times and inode did not change.",
        show_default=False,
    ),
]
SaveStudent = Annotated[
    bool | None,
    how(
        "--save-student/--no-save-student",
        help="Keep the student that is best on validation. \\[default: where no suite is run]",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None, how(help="TOML file whose keys are these options; the command line wins.")
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

    file = given.pop("config", None)
    config = RunConfig.make(file, **{**given, **more})
    if {"distiller", "baseline"} <= given.keys():  # what is run are methods
        from distbench.planning.idle_options import refuse_idle

        refuse_idle(config, {key for key, value in given.items() if value not in (None, ())})
    unused = sorted(config.model_fields_set - {*given, *more})
    if file is not None and unused:
        echo(f"note: {file}: of no account here: {', '.join(unused)}", err=True)
    return config


def print_notes(plan: Plan) -> None:
    """What was read, and what a reader of results should know of it and of what was chosen.

    To stderr. What the tasks of a suite hold is no news.
    """
    from distbench.planning.suite_choice import NO_SUITE

    for task in plan.tasks:
        if task.read and plan.suite == NO_SUITE:
            echo(f"{task.id}: {task.read}", err=True)
    of: dict[str, list[str]] = {}
    for task in plan.tasks:
        for note in task.notes:
            of.setdefault(note, []).append(task.id)
    for note, ids in of.items():
        echo(f"note: {', '.join(ids)}: {note}", err=True)
    for note in plan.notes:
        echo(f"note: {note}", err=True)


def print_json(value: object) -> None:
    """Prints a value as JSON on stdout."""
    import json

    echo_json(json.dumps(value, indent=1, ensure_ascii=False))
