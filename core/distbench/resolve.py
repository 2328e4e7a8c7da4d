"""From the names of a configuration to what they stand for: suite, zoo, sources, tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from distbench.component import Component
from distbench.components import Suite, Zoo
from distbench.config import DEFAULT_STUDENT, DEFAULT_SUITE, RunConfig
from distbench.errors import UsageError
from distbench.plugins import Registry
from distbench.sources import Source, SourceInfo
from distbench.suite import SuiteDefinition, TaskEntry, Value


def find_suite(config: RunConfig, names: Registry) -> SuiteDefinition:
    """The suite that is run: the one named, the default one, or none (``custom``).

    Without ``--suite`` it is the default suite where no task is named or only tasks of it; any
    other task makes a custom run with the default protocol.
    """
    if config.suite is not None:
        if config.suite.endswith(".toml"):
            return SuiteDefinition.from_toml(Path(config.suite))
        return cast(Suite, names.make("suite", config.suite)).definition()
    wanted = {t for t in config.task if isinstance(t, str)}
    default = cast(Suite, names.make("suite", DEFAULT_SUITE)).definition()
    if len(wanted) == len(config.task) and wanted <= {entry.id for entry in default.tasks}:
        return default
    return SuiteDefinition(name="custom", version=1, student=config.student or DEFAULT_STUDENT)


def find_zoo(config: RunConfig, suite: SuiteDefinition, names: Registry) -> Zoo:
    """The zoo of the run.

    Raises:
        UsageError: Neither the run nor its suite names one.
    """
    if config.zoo is not None:
        return cast(Zoo, names.make("zoo", config.zoo))
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


def overlaps(sources: Sequence[SourceInfo], seen_by: Sequence[str]) -> dict[str, str]:
    """Sources whose training data hold images of a task, with the reason."""
    found = {}
    for source in sources:
        shared = sorted(set(source.trained_on) & set(seen_by))
        if shared:
            found[source.name] = f"saw this task: trained on {', '.join(shared)}"
    return found


def task_entries(config: RunConfig, suite: SuiteDefinition, names: Registry) -> list[TaskEntry]:
    """The tasks of the run as suite entries, each with the folder its paths start from."""
    if not config.task:
        return [_based(entry, suite.base) for entry in suite.tasks]
    by_id = {entry.id: entry for entry in suite.tasks}
    entries: list[TaskEntry] = []
    for value in config.task:
        if isinstance(value, str) and value in by_id:
            entries.append(_based(by_id[value], suite.base))
            continue
        table: dict[str, Any] = {"use": value} if isinstance(value, str) else dict(value)
        if "id" not in table:
            bare = {k: v for k, v in table.items() if k != "seen_by"}
            table["id"] = _short_name(names.make("task", bare))
        entries.append(TaskEntry.model_validate(table))
    ids = [entry.id for entry in entries]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UsageError(f"two tasks are called {twice!r}; give one an id in a configuration file")
    return entries


def _based(entry: TaskEntry, base: Path) -> TaskEntry:
    """An entry whose relative paths start from its suite's folder."""
    return TaskEntry.model_validate({**entry.model_dump(), "base": str(base)})


def _short_name(task: Component) -> str:
    """What an ad-hoc task is called: its folder's name, or its specification."""
    paths = [value for _, value in task if isinstance(value, Path)]
    text = paths[0].resolve().name if paths else task.label
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or task.name


def suite_component(names: Registry, suite: SuiteDefinition, kind: str, value: Value) -> Component:
    """A component with the suite's settings under what is given explicitly."""
    name = value if isinstance(value, str) else str(value.get("use", ""))
    return names.make(kind, value, defaults=suite.settings.get(name.partition(":")[0], {}))
