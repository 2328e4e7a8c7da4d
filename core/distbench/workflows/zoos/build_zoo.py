"""Training a zoo: what a recipe and the command line ask for, as a zoo that can be built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from distbench.errors import PluginError, UnknownNameError, UsageError
from distbench.interfaces.calls import naming
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import Zoo
from distbench.planning.resolved_task import index_of
from distbench.plugins.registry import Registry
from distbench.storage.paths import without_links
from distbench.storage.toml import read_table

TRAINED = "trained"
"""The zoo that recipes are for."""

_ABOUT = ("name", "domain", "trained_on", "licence", "flip")
"""What a table of source data says besides the parameters of its task."""
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)")


@dataclass(frozen=True)
class ZooOrder:
    """A zoo that is to be built.

    Attributes:
        zoo: Builds itself.
        folder: Where, if nothing else is asked for.
        served_by: The zoo that reads the folder afterwards.
        from_recipe: Whether it takes options about devices and processes.
        tasks: What it learns from, as far as the order says.
    """

    zoo: Zoo
    folder: Path
    served_by: str
    from_recipe: bool
    tasks: tuple[Task, ...] = ()


class _Model(BaseModel):
    """What a zoo says of each model that it built; there may be more."""

    name: str
    figure: str
    value: float
    test_images: int


_MODELS = TypeAdapter(list[_Model])


def order_zoo(
    names: Registry, what: str | None, options: Mapping[str, Any], init: Sequence[str]
) -> ZooOrder:
    """What `distbench zoo build` is asked for.

    Args:
        names: All components.
        what: A recipe's file or name, or a zoo that is trained by a recipe of its own, such as
            mini; None where the options say all.
        options: Parameters of the zoo that recipes are for; they win over the recipe.
        init: Initial weights: of all architectures, or one for each.

    Raises:
        UsageError: The recipe cannot be read, or asks for what there is not.
    """
    recipe, base = _recipe(names, what)
    if recipe is None:
        return _by_itself(names, str(what), [*options, *(["init"] if init else [])])
    try:
        zoo, tasks = _trained(names, recipe, base, options, init)
    except UsageError as error:
        raise UsageError(f"{what}: {error}" if base else str(error)) from None
    folder = Path(f"{Path(what).stem}-zoo" if what else "zoo")
    return ZooOrder(zoo, folder, "local", True, tasks)


def build_zoo(
    order: ZooOrder, folder: Path, report: Callable[[str], None], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Has a zoo built.

    Args:
        order: The zoo.
        folder: Where.
        report: Is told one line for each model.
        settings: Of devices and processes, for a zoo that recipes are for.

    Returns:
        What the zoo says of each model; none where it was to say only what it would do.

    Raises:
        UsageError: A zoo that is trained by a recipe of its own is given a setting.
        PluginError: The zoo fails, makes nothing, or does not say what it made.
    """
    name = order.zoo.name
    never_trained = type(order.zoo).build is Zoo.build  # which says so itself
    own = {} if order.from_recipe or never_trained else settings
    for key in ("device", "skip_corrupt", "replace", "dry_run"):
        if own.get(key):
            raise _takes_no(name, key)
    for task in order.tasks:
        index_of(task)
    with naming(name, "build"):
        given = order.zoo.build(folder, report, **(settings if order.from_recipe else {}))
    try:
        _MODELS.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "".join(f"[{part!r}]" for part in first["loc"])
        raise PluginError(
            name,
            f"build: what it gives{where} will not do: {first['msg']}; give a list with name, "
            "figure, value and test_images of each model",
        ) from None
    if not given and not settings.get("dry_run"):
        raise PluginError(name, "build: it made no model")
    return [dict(model) for model in given]


def _recipe(names: Registry, what: str | None) -> tuple[Mapping[str, Any] | None, Path | None]:
    """The parameters that a recipe holds and the folder its paths start from; None for a zoo."""
    if what is None:
        return {}, None
    if what.endswith(".toml"):
        return read_table(what, "recipe"), without_links(what).parent
    zoos = names.names("zoo")
    recipes = cast(type[Zoo], names.load("zoo", TRAINED)).recipes() if TRAINED in zoos else {}
    if what in recipes:
        return recipes[what], None
    name = what.partition(":")[0]
    if name not in zoos:
        hint = f"Recipes are TOML files and {', '.join(recipes) or 'none by name'}."
        raise UnknownNameError("zoo", name, [*zoos, *recipes], hint)
    return None, None


def _by_itself(names: Registry, name: str, options: Sequence[str]) -> ZooOrder:
    """A zoo that is trained by a recipe of its own."""
    zoo = names.make("zoo", name)
    if options:
        raise _takes_no(name, options[0])
    return ZooOrder(zoo, Path(f"{name}-zoo"), name, False)


def _takes_no(name: str, key: str) -> UsageError:
    shown = f"--{key.replace('_', '-')}"
    return UsageError(f"zoo {name!r} takes no {shown}, which is for zoos made by a recipe")


def _trained(
    names: Registry,
    recipe: Mapping[str, Any],
    base: Path | None,
    options: Mapping[str, Any],
    init: Sequence[str],
) -> tuple[Zoo, tuple[Task, ...]]:
    """The zoo with a recipe's parameters, under those of the command line, and its data."""
    if "steps" in options or "epochs" in options:
        recipe = {key: value for key, value in recipe.items() if key not in ("steps", "epochs")}
    own = {key: _several(options[key]) for key in ("architecture", "data") if key in options}
    nets = own.get("architecture") or [
        _anchored(net, base) for net in _several(recipe.get("architecture", []))
    ]
    if len(init) > 1 and len(init) != len(nets):
        raise UsageError(f"{len(init)} times --init for {len(nets)} architectures: one, or each")
    if init:
        # On the command line it is for all, whatever a recipe says of one.
        nets = [net if isinstance(net, dict) else {"use": net} for net in nets]
        starts = init if len(init) > 1 else [*init] * len(nets)
        nets = [{**net, "init": start} for net, start in zip(nets, starts, strict=True)]
    where = None if "data" in own else base
    data = [_data(names, one, where) for one in own.get("data") or _several(recipe.get("data", []))]
    flip = {"flip": options["flip"]} if "flip" in options else {}
    data = [{**one, **flip} for one in data]
    options = {key: value for key, value in options.items() if key != "flip"}
    start = _anchored({"init": recipe["init"]}, base) if "init" in recipe else {}
    table = {**recipe, **options, **start, "architecture": nets, "data": data}
    zoo = names.make("zoo", {"use": TRAINED, **table}, base=base)
    return zoo, tuple(one["task"] for one in data)


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
    """Source data with its task: of ``TASK``, ``NAME=TASK`` or a table."""
    if isinstance(value, str):
        match = _NAMED.fullmatch(value)
        value = {"use": match[2], "name": match[1]} if match else {"use": value}
    if not isinstance(value, dict):
        raise UsageError(f"data is a list of tasks or of tables with use, not {value!r}")
    about = {key: value[key] for key in _ABOUT if key in value}
    rest = {key: value[key] for key in value if key not in _ABOUT}
    return {"task": names.make("task", rest, base=base), **about}
