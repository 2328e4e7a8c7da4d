"""From the names of a configuration to what they stand for: suite, zoo, sources, tasks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.suite import (
    METHOD_KINDS,
    Suite,
    SuiteDefinition,
    TaskEntry,
    Value,
    settings_of,
)
from distbench.interfaces.zoo import Source, SourceInfo, Zoo
from distbench.planning.config import DEFAULT_STUDENT, DEFAULT_SUITE, RunConfig
from distbench.plugins.registry import Registry
from distbench.storage.toml import explain


def find_suite(config: RunConfig, names: Registry) -> SuiteDefinition:
    """The suite that is run: the one named, the default one, or none (``custom``).

    Without ``--suite`` it is the default suite where no task is named or only tasks of it; any
    other task makes a custom run with the default protocol.
    """
    if config.suite is not None:
        if config.suite.endswith(".toml"):
            return SuiteDefinition.from_toml(Path(config.suite))
        return cast(Suite, names.make("suite", config.suite)).definition()
    default = cast(Suite, names.make("suite", DEFAULT_SUITE)).definition()
    known = {entry.id for entry in default.tasks}
    if all(isinstance(task, str) and task in known for task in config.task):
        return default
    return SuiteDefinition(name="custom", version=1, student=config.student or DEFAULT_STUDENT)


def find_zoo(config: RunConfig, suite: SuiteDefinition, names: Registry) -> Zoo:
    """The zoo of the run.

    Raises:
        UsageError: Neither the run nor its suite names one.
    """
    if config.zoo is not None:
        return cast(Zoo, names.make("zoo", config.zoo, base=config.base_of("zoo")))
    if suite.zoo is None:
        raise UsageError(
            "which source models? Name a zoo, e.g. --zoo local:path=my_models "
            "(`distbench list zoos`), or run baselines only with --distiller none"
        )
    return cast(Zoo, names.make("zoo", suite.zoo, base=suite.base))


def usable_sources(zoo: Zoo) -> list[Source]:
    """The sources of a zoo without its generalists, each verified.

    Raises:
        WeightsError: Weights are missing or differ from their fingerprint.
    """
    found = [source for source in zoo.sources() if source.info.role == "source"]
    for source in found:
        source.verify()
    return found


def find_generalist(suite: SuiteDefinition, zoo: Zoo | None) -> SourceInfo:
    """The suite's one general teacher.

    Raises:
        UsageError: The suite names none, or the zoo has no such source.
    """
    found = {source.info.name: source for source in zoo.sources()} if zoo else {}
    if suite.generalist is None:
        raise UsageError(
            f"a distiller learns from the suite's generalist, but suite {suite.name!r} names none; "
            'write generalist = "NAME OF A SOURCE" into its file'
        )
    if suite.generalist not in found:
        raise UsageError(
            f"the zoo of suite {suite.name!r} has no source {suite.generalist!r}, its generalist"
        )
    found[suite.generalist].verify()
    return found[suite.generalist].info


def find_encoders(zoo: Zoo, names: Collection[str]) -> dict[str, SourceInfo]:
    """The sources, generalists too, by whose features images are retrieved.

    Raises:
        UnknownNameError: The zoo has no source of that name; with what is near.
    """
    known = {source.info.name: source for source in zoo.sources()}
    for name in sorted(names):
        if name not in known:
            raise UnknownNameError("source", name, list(known), "It should be the encoder.")
        known[name].verify()
    return {name: known[name].info for name in sorted(names)}


def overlaps(
    sources: Sequence[SourceInfo], seen_by: Sequence[str], names: Registry
) -> dict[str, str]:
    """Sources whose training data hold images of a task, with the reason."""
    found = {}
    seen = {name.casefold() for name in seen_by}
    for source in sources:
        shared = sorted(name for name in source.trained_on if names.held_by(name) & seen)
        if shared:
            found[source.name] = f"saw this task: trained on {', '.join(shared)}"
    return found


@dataclass(frozen=True)
class PlacedTask:
    """A task of a run, and the folder that its relative paths start from."""

    entry: TaskEntry
    base: Path | None


def find_tasks(config: RunConfig, suite: SuiteDefinition, names: Registry) -> list[PlacedTask]:
    """The tasks of a run: those named, or all of its suite.

    Raises:
        UsageError: An entry is wrong, or two have one id.
    """
    by_id = {entry.id: PlacedTask(entry, suite.base) for entry in suite.tasks}
    if not config.task:
        return list(by_id.values())
    base = config.base_of("task")
    found: list[PlacedTask] = []
    for value in config.task:
        if isinstance(value, str) and value in by_id:
            found.append(by_id[value])
            continue
        table: dict[str, Any] = {"use": value} if isinstance(value, str) else dict(value)
        if "id" not in table:
            bare = {k: v for k, v in table.items() if k != "seen_by"}
            table["id"] = _short_name(names.make("task", bare, base=base))
        try:
            found.append(PlacedTask(TaskEntry.model_validate(table), base))
        except ValidationError as error:
            raise UsageError(f"task {table['id']!r}: {explain(error, TaskEntry)}") from None
    ids = [placed.entry.id for placed in found]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UsageError(f"two tasks are called {twice!r}; give one an id in a configuration file")
    return found


def _short_name(task: Component) -> str:
    """What an ad-hoc task is called: its folder's name, or its specification."""
    paths = [value for _, value in task if isinstance(value, Path)]
    text = paths[0].resolve().name if paths else task.label
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") or task.name


def suite_components(
    config: RunConfig, names: Registry, suite: SuiteDefinition, kind: str
) -> list[Component]:
    """The components of one kind of method, the suite's settings under what is given explicitly.

    ``none`` stands for no distiller or no baseline, ``all`` for every metric there is.
    """
    values = getattr(config, kind)
    if kind == "metric" and "all" in values:
        values = names.names("metric")
    return [
        suite_component(names, suite, kind, value, config.base_of(kind))
        for value in values
        if not (value == "none" and kind in ("distiller", "baseline"))
    ]


def suite_component(
    names: Registry, suite: SuiteDefinition, kind: str, value: Value, base: Path | None
) -> Component:
    """A component with the suite's settings under what is given explicitly."""
    name = value if isinstance(value, str) else str(value.get("use", ""))
    settings = settings_of(suite.settings, kind, name.partition(":")[0])
    return names.make(kind, value, base=base, defaults=settings)


def check_settings(suite: SuiteDefinition, names: Registry) -> None:
    """Refuses settings of a suite for a name that no component of a method has, or several.

    Raises:
        UnknownNameError: With what is near.
        UsageError: Components of several kinds have it; says how to name one.
    """
    by_kind = {kind: names.names(kind) for kind in METHOD_KINDS}
    where = f"It has settings in suite {suite.name!r}."
    for name, table in suite.settings.items():
        if name in by_kind:
            for inner in table:
                if inner not in by_kind[name]:
                    raise UnknownNameError(name, inner, by_kind[name], where)
            continue
        kinds = [kind for kind, known in by_kind.items() if name in known]
        if not kinds:
            everyone = [n for known in by_kind.values() for n in known]
            raise UnknownNameError("component", name, everyone, where)
        if len(kinds) > 1:
            raise UsageError(
                f"suite {suite.name!r} has settings for {name!r}, which is the name of a "
                f"{' and of a '.join(kinds)}; write [settings.{kinds[0]}.{name}]"
            )
