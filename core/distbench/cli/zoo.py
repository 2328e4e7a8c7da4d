"""`distbench zoo`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o

if TYPE_CHECKING:
    from distbench.interfaces.component import Component
    from distbench.plugins.registry import Registry

app = typer.Typer(help="Zoos of source models.", no_args_is_help=True)


TRAINED = "trained"
"""The zoo that is made by training."""


_HOW = "How to run"


_ABOUT = ("name", "domain", "trained_on", "licence", "flip")
"""What a table of source data says besides the parameters of its task."""


_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)")


def _protocol(text: str) -> Any:
    return typer.Option(help=text, rich_help_panel="How they are trained")


@app.callback()
def _root() -> None:
    pass


@app.command(
    "build",
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
        _protocol(
            "Initial weights: imagenet, random or a file; one for all, or as many as there are "
            "architectures. \\[default: imagenet]"
        ),
    ] = None,
    steps: Annotated[int | None, _protocol("Optimiser steps of each model.")] = None,
    epochs: Annotated[
        float | None, _protocol("Or passes over the training images. \\[default: 20]")
    ] = None,
    image_size: Annotated[int | None, _protocol("Side of the input. \\[default: 224]")] = None,
    batch: Annotated[int | None, _protocol("Images of a step. \\[default: 64]")] = None,
    lr: Annotated[
        float | None,
        _protocol("Highest learning rate. \\[default: 0.1 from random weights, else 0.01]"),
    ] = None,
    weight_decay: Annotated[float | None, _protocol("Of the weights. \\[default: 0.0005]")] = None,
    smoothing: Annotated[float | None, _protocol("Of the labels. \\[default: 0]")] = None,
    augment: Annotated[str | None, _protocol("crop, shift or none. \\[default: crop]")] = None,
    precision: o.Precision = None,
    seed: Annotated[int | None, _protocol("Of all that is drawn. \\[default: 0]")] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="CPU threads of a model.", rich_help_panel=_HOW)
    ] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Models at once.", rich_help_panel=_HOW)] = 1,
    device: o.Device = None,
    skip_corrupt: o.SkipCorrupt = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Make models anew that were made otherwise.", rich_help_panel=_HOW
        ),
    ] = False,
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch", help="First download what data and weights need.", rich_help_panel=_HOW
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what there is and what would be made.")
    ] = False,
    offline: o.Offline = None,
    plugin: o.Plugins = None,
    json: o.Json = False,
) -> None:
    """Train source models: every architecture on every data set, or the zoo of a recipe.

    The same command again goes on after an interruption; models that are finished stay.
    """
    from distbench.engine.device import pick_device
    from distbench.errors import UsageError
    from distbench.plugins.registry import registry
    from distbench.storage.offline import go_offline

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
        "precision": precision,
        "seed": seed,
    }
    options = {key: value for key, value in given.items() if value is not None}
    if offline:
        go_offline()
    names = registry(tuple(plugin or ()))
    table, base = _recipe(names, what)
    if table is None:
        _by_itself(names, str(what), output, [*options, *(["init"] if init else [])])
        return
    folder = output or Path(f"{Path(what).stem}-zoo" if what else "zoo")
    try:
        zoo = _trained(names, table, base, options, init or [])
    except UsageError as error:
        raise UsageError(f"{what}: {error}" if base else str(error)) from None
    make = getattr(zoo, "build", None)
    if make is None:
        raise UsageError(f"zoo {TRAINED!r} has no build")
    if fetch:
        _fetch(zoo)
    made = make(
        folder,
        lambda line: typer.echo(line, err=True),
        device=str(pick_device(device or "auto")),
        threads=threads,
        workers=workers,
        skip_corrupt=bool(skip_corrupt),
        replace=replace,
        dry_run=dry_run,
    )
    if json:
        o.print_json(list(made))
    elif made:
        from tabulate import tabulate

        rows = [(m["name"], m["value"], m["figure"], m["test_images"]) for m in made]
        head = ("model", "value", "figure", "test images")
        typer.echo(tabulate(rows, head, "simple", floatfmt=".3f"))
        typer.echo(f"\n{folder} (use it with --zoo local:path={folder})")


def _recipe(names: Registry, what: str | None) -> tuple[dict[str, Any] | None, Path | None]:
    """The parameters that a recipe holds and the folder its paths start from; None for a zoo."""
    from distbench.errors import UnknownNameError, UsageError

    if what is None:
        return {}, None
    if what.endswith(".toml"):
        file = Path(what)
        try:
            return tomllib.loads(file.read_text(encoding="utf-8")), file.parent.resolve()
        except OSError as error:
            raise UsageError(f"cannot read recipe {what!r}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{what} is not valid TOML: {error}") from None
    recipes: Any = names.load("zoo", TRAINED) if TRAINED in names.names("zoo") else None
    known = list(recipes.recipes()) if recipes else []
    if what in known:
        return dict(recipes.recipe(what)), None
    name = what.partition(":")[0]
    if name not in names.names("zoo"):
        hint = f"Recipes are TOML files and {', '.join(known) or 'none by name'}."
        raise UnknownNameError("zoo", name, [*names.names("zoo"), *known], hint)
    return None, None


def _by_itself(names: Registry, name: str, output: Path | None, options: list[str]) -> None:
    """Has a zoo made that knows how, such as mini."""
    from distbench.errors import UsageError

    zoo = names.make("zoo", name)
    make = getattr(zoo, "build", None)
    if make is None:
        raise UsageError(f"zoo {name!r} is not made by training; it has no build")
    if options:
        shown = f"--{options[0].replace('_', '-')}"
        raise UsageError(f"zoo {name!r} is made by a recipe of its own and takes no {shown}")
    folder = output or Path(f"{name}-zoo")
    make(folder, lambda line: typer.echo(line, err=True))
    typer.echo(f"{folder} (use it with --zoo {name}:path={folder})")


def _trained(
    names: Registry,
    table: dict[str, Any],
    base: Path | None,
    options: dict[str, Any],
    init: list[str],
) -> Component:
    """The zoo that is to be trained: a recipe's parameters under those of the command line."""
    from distbench.errors import UsageError

    if "steps" in options or "epochs" in options:
        table = {key: value for key, value in table.items() if key not in ("steps", "epochs")}
    own = {key: _several(options[key]) for key in ("architecture", "data") if key in options}
    nets = own.get("architecture") or [
        _anchored(net, base) for net in _several(table.get("architecture", []))
    ]
    if len(init) > 1 and len(init) != len(nets):
        raise UsageError(f"{len(init)} times --init for {len(nets)} architectures: one, or each")
    if init:
        # On the command line it is for all, whatever a recipe says of one.
        nets = [net if isinstance(net, dict) else {"use": net} for net in nets]
        starts = init if len(init) > 1 else init * len(nets)
        nets = [{**net, "init": start} for net, start in zip(nets, starts, strict=True)]
    where = None if "data" in own else base
    data = [_data(names, one, where) for one in own.get("data") or _several(table.get("data", []))]
    start = _anchored({"init": table["init"]}, base) if "init" in table else {}
    made = {**table, **options, **start, "architecture": nets, "data": data}
    return names.make("zoo", {"use": TRAINED, **made}, base=base)


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _anchored(table: Any, base: Path | None) -> Any:
    """A table of a recipe whose file of initial weights is found from the recipe's folder."""
    init = table.get("init") if isinstance(table, dict) else None
    if (
        base is None
        or not isinstance(init, str)
        or init.partition(":")[0] in ("imagenet", "random")
    ):
        return table
    return {**table, "init": str(base / init)}


def _data(names: Registry, value: Any, base: Path | None) -> dict[str, Any]:
    """Source data with the task made: of ``TASK``, ``NAME=TASK`` or a table."""
    from distbench.errors import UsageError

    if isinstance(value, str):
        match = _NAMED.fullmatch(value)
        value = {"use": match[2], "name": match[1]} if match else {"use": value}
    if not isinstance(value, dict):
        raise UsageError(f"data is a list of tasks or of tables with use, not {value!r}")
    about = {key: value[key] for key in _ABOUT if key in value}
    rest = {key: value[key] for key in value if key not in _ABOUT}
    return {"task": names.make("task", rest, base=base), **about}


def _fetch(zoo: Component) -> None:
    """Downloads what is missing."""
    from distbench.cli.progress import ByteProgress
    from distbench.errors import DataError
    from distbench.workflows.fetch import fetch, needs_of

    missing = [need for need in needs_of({"zoo": zoo}) if not need.present]
    if not missing:
        return
    with ByteProgress() as progress:
        failed = fetch(missing, progress)
    for need in failed:
        typer.echo(f"distbench: {need.download.what}: {need.problem}", err=True)
    if failed:
        raise DataError(f"{len(failed)} of {len(missing)} downloads could not be had")
