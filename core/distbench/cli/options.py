"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_WHAT = "What to run"
_PROTOCOL = "Protocol (overrides the suite's)"
_HOW = "How to run"

Suite = Annotated[
    str | None,
    typer.Option(help="Suite by name, or a TOML file. \\[default: mini]", rich_help_panel=_WHAT),
]
Tasks = Annotated[
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
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Scores the sources; repeats; all for every one. \\[default: logme]",
        rich_help_panel=_WHAT,
    ),
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        help="Turns scores into weights, e.g. weighted:power=9; repeats. \\[default: weighted]",
        rich_help_panel=_WHAT,
    ),
]
Distillers = Annotated[
    list[str] | None,
    typer.Option(
        "--distiller",
        help="Learns from weighted sources; repeats; none for baselines only. "
        "\\[default: pseudo_labels]",
        rich_help_panel=_WHAT,
    ),
]
Baselines = Annotated[
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
BatchSize = Annotated[
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
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="A Python file with components or hooks; repeats.",
        rich_help_panel=_HOW,
    ),
]
Reporters = Annotated[
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


def print_json(value: object) -> None:
    """Prints a value as JSON on stdout."""
    import json

    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
