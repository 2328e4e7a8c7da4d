"""`distbench zoo`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distbench.cli import options as o
from distbench.cli.process.commands import Command
from distbench.cli.shipping import push_zoo
from distbench.cli.shown.output import echo, table

if TYPE_CHECKING:
    from distbench.interfaces.zoo import Question, Zoo

app = typer.Typer(help="Zoos of source models.", no_args_is_help=True)

_trained = partial(typer.Option, rich_help_panel="How they are trained")
_told = partial(typer.Option, rich_help_panel="What the file may not tell")


@app.callback()
def _root() -> None:
    pass


@app.command(
    "build",
    cls=Command,
    epilog="Example: distbench zoo build --architecture resnet18 --data folder:path=my_images",
)
def build(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A recipe: a TOML file with architectures, data and protocol, or parc28; or mini."
        ),
    ] = None,
    architecture: Annotated[
        list[str] | None,
        typer.Option(help="Network of timm or torchvision, e.g. resnet18; repeats."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Task to train on, e.g. folder:path=my_images, or NAME=TASK to name it; repeats."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only models DATA-ARCHITECTURE that match a pattern; repeats."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the zoo; models that are in it stay. \\[default: NAME-zoo]"),
    ] = None,
    init: Annotated[
        list[str] | None,
        _trained(
            help="Initial weights: imagenet, random or a file; one for all, or as many as there "
            "are architectures. \\[default: imagenet]"
        ),
    ] = None,
    steps: Annotated[int | None, _trained(help="Optimiser steps of each model.")] = None,
    epochs: Annotated[
        float | None, _trained(help="Or passes over the training images. \\[default: 20]")
    ] = None,
    image_size: Annotated[int | None, _trained(help="Side of the input. \\[default: 224]")] = None,
    batch: Annotated[int | None, _trained(help="Images of a step. \\[default: 64]")] = None,
    lr: Annotated[
        float | None,
        _trained(help="Highest learning rate. \\[default: 0.1 from random weights, else 0.01]"),
    ] = None,
    weight_decay: Annotated[
        float | None, _trained(help="Of the weights. \\[default: 0.0005]")
    ] = None,
    smoothing: Annotated[float | None, _trained(help="Of the labels. \\[default: 0]")] = None,
    augment: Annotated[str | None, _trained(help="crop, shift or none. \\[default: crop]")] = None,
    flip: o.Flip = None,
    precision: o.Precision = None,
    seed: Annotated[int | None, _trained(help="Of all that is drawn. \\[default: 0]")] = None,
    threads: Annotated[int, o.how(min=1, help="CPU threads of a model.")] = 1,
    workers: Annotated[int, o.how(min=1, help="Models at once.")] = 1,
    device: o.Device = None,
    skip_corrupt: o.SkipCorrupt = None,
    replace: Annotated[
        bool, o.how("--replace", help="Make models anew that were made otherwise.")
    ] = False,
    fetch: Annotated[
        bool, o.how("--fetch", help="First download what data and weights need.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what there is and what would be made.")
    ] = False,
    offline: o.Offline = None,
    plugin: o.Plugin = None,
    json: o.Json = False,
) -> None:
    """Train source models: every architecture on every data set, or the zoo of a recipe.

    The same command again goes on after an interruption; models that are finished stay.
    """
    from distbench.engine.device import pick_device
    from distbench.plugins.registry import registry
    from distbench.storage.folders import check_folder
    from distbench.storage.network.offline import go_offline
    from distbench.workflows.zoos.build_zoo import build_zoo, order_zoo

    given = {
        "architecture": architecture,
        "data": data,
        "only": only,
        "steps": steps,
        "epochs": epochs,
        "image_size": image_size,
        "batch": batch,
        "lr": lr,
        "weight_decay": weight_decay,
        "smoothing": smoothing,
        "augment": augment,
        "flip": flip,
        "precision": precision,
        "seed": seed,
    }
    options = {key: value for key, value in given.items() if value is not None}
    if offline:
        go_offline()
    order = order_zoo(registry(tuple(plugin or ())), what, options, init or [])
    folder = output or order.folder
    check_folder(folder, "--output")
    if fetch:
        _fetch(order.zoo)
    settings = {
        "device": str(pick_device(device or "auto")) if order.from_recipe else device,
        "threads": threads,
        "workers": workers,
        "skip_corrupt": bool(skip_corrupt),
        "replace": replace,
        "dry_run": dry_run,
    }
    models = build_zoo(order, folder, lambda line: echo(line, err=True), settings)
    if json:
        o.print_json(models)
    elif models:
        rows = [(m["name"], m["value"], m["figure"], m["test_images"]) for m in models]
        head = ("model", "value", "figure", "test images")
        echo(table(rows, head, floatfmt=".3f"))
        echo(f"\n{folder} (use it with --zoo {order.served_by}:path={folder})")


@app.command(
    "add",
    cls=Command,
    epilog="Example: distbench zoo add my_resnet18.pth --zoo my_models",
)
def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="A state dict (.safetensors, or .pth as torch.save writes it) or an ONNX graph."
        ),
    ],
    zoo: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the zoo, begun if it is not there; the file is copied into it. "
            "\\[default: the folder of the file]"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the source is called. \\[default: as the file]")
    ] = None,
    architecture: Annotated[
        str | None,
        _told(
            help="timm:NAME or torchvision:NAME, perhaps with arguments: "
            "timm:mobilenetv2_100:pad_type=same."
        ),
    ] = None,
    input_size: Annotated[str | None, _told(help="Side of its square input, in pixels.")] = None,
    normalise: Annotated[
        str | None,
        _told(
            help="What its images are normalised by: imagenet, half (mean and std .5), none "
            "(values of 0..1), or R,G,B,R,G,B: mean and std."
        ),
    ] = None,
    trained_on: Annotated[
        str | None,
        _told(help="Data that it saw, e.g. imagenet-1k; several with commas; or unknown."),
    ] = None,
    licence: Annotated[str | None, _told(help="Of its weights; or unknown.")] = None,
    domain: Annotated[
        str | None, typer.Option(help="What its data show, e.g. birds; for nearest_domain.")
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(help="softmax, sigmoid (multi-label) or none. \\[default: softmax]"),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(help="Of an ONNX graph: FEATURES,LOGITS, names of two of its tensors."),
    ] = None,
) -> None:
    """Add a model of your own to a zoo: read, tried on images, listed in zoo.toml.

    What the file tells is read off it: classes, features, and the architecture where its tensors
    fit one alone. The rest is asked for on a terminal; without one, options say it.
    """
    from distbench.plugins.registry import registry
    from distbench.workflows.zoos.add_source import add_source, folder_zoo

    given = {
        "name": name,
        "architecture": architecture,
        "input_size": input_size,
        "normalise": normalise,
        "trained_on": trained_on,
        "licence": licence,
        "domain": domain,
        "activation": activation,
        "outputs": outputs,
    }
    facts = {key: value for key, value in given.items() if value is not None}
    folder = zoo or file.parent
    joined = folder_zoo(registry(), folder)
    if architecture is None and file.suffix != ".onnx" and file.is_file():
        echo(
            f"looking for the architecture of {file}, which may take a minute, once "
            "(--architecture says it)",
            err=True,
        )
    person = sys.stdin.isatty() and sys.stderr.isatty()
    source = add_source(joined, file, facts, _ask if person else None)
    echo(
        f"{source.name}: {source.architecture}, {source.num_classes} classes, "
        f"{source.feature_dim} features, images of {source.input_size} pixels, trained on "
        f"{', '.join(source.trained_on) or 'unknown'}; it ran on drawn images"
    )
    echo(f"\n{folder} (use it with --zoo local:path={folder})")


app.command("push", cls=Command, epilog=push_zoo.EPILOG)(push_zoo.push)


def _ask(question: Question, wrong: str) -> str:
    """Asks for a fact on the terminal."""
    if wrong:
        echo(wrong, err=True)
    echo(question.text, err=True)
    named = question.fact.replace("_", "-")
    answer: str = typer.prompt(f"  {named}", default=question.suggestion, err=True)
    return answer.strip()


def _fetch(zoo: Zoo) -> None:
    """Downloads what is missing."""
    from distbench.cli.fetch import get
    from distbench.workflows.fetch import needs_of

    if missing := [need for need in needs_of({"zoo": zoo}) if not need.present]:
        get(missing, lambda need: need.download.what)
