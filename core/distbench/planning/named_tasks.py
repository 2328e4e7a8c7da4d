"""The tasks that a configuration names, or those of its suite, as components with their ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distbench.errors import UsageError
from distbench.interfaces.suite import SuiteDefinition, TaskEntry
from distbench.interfaces.task import Task
from distbench.planning.config import RunConfig
from distbench.planning.resolved_task import ResolvedTask
from distbench.planning.task_names import short_name
from distbench.plugins.component_identity import Identified
from distbench.plugins.registry import Registry
from distbench.storage.validation import faults_of

_ABOUT = ("id", "seen_by", "flip", "group", "measure")
"""Of a task's table, what is no parameter of the component."""


def named_tasks(
    config: RunConfig, suite: SuiteDefinition, names: Registry
) -> tuple[ResolvedTask, ...]:
    """The tasks of a run: those named, or all of its suite.

    Raises:
        UsageError: An entry is wrong, or two have one id.
    """
    maker = _Maker(config, names)
    of_suite = {entry.id: entry for entry in suite.tasks}
    if not config.task:
        return tuple(maker.of_entry(entry, suite.base) for entry in of_suite.values())
    base = config.base_of("task")
    tasks = tuple(
        maker.of_entry(of_suite[value], suite.base)
        if isinstance(value, str) and value in of_suite
        else maker.of_value(value, base)
        for value in config.task
    )
    ids = [task.id for task in tasks]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UsageError(f"two tasks are called {twice!r}; give one an id in a configuration file")
    return tasks


@dataclass(frozen=True)
class _Maker:
    config: RunConfig
    names: Registry

    def of_entry(self, entry: TaskEntry, base: Path | None) -> ResolvedTask:
        """A task of the suite."""
        task = self.names.make("task", entry.component(), base=base)
        return self._resolved(entry, task, self.config.flip is True)

    def of_value(self, value: str | dict[str, Any], base: Path | None) -> ResolvedTask:
        """A task that is no task of the suite; without an id it is called after what it is."""
        table: dict[str, Any] = {"use": value} if isinstance(value, str) else dict(value)
        about = {key: table.pop(key) for key in _ABOUT if key in table}
        task = self.names.make("task", table, base=base)
        about.setdefault("id", short_name(task))
        try:
            entry = TaskEntry.model_validate({**table, **about})
        except ValidationError as error:
            raise UsageError(f"task {about['id']!r}: {faults_of(error, TaskEntry)}") from None
        wins = self.config.flip is True and self.config.outranks("flip", "task")
        return self._resolved(entry, task, wins)

    def _resolved(self, entry: TaskEntry, task: Task, flipped: bool) -> ResolvedTask:
        flip, group = entry.flip or flipped, entry.group or entry.id
        identified = Identified.of(self.names, "task", task)
        return ResolvedTask(entry.id, entry.seen_by, identified, flip, group, self._measure(entry))

    def _measure(self, entry: TaskEntry) -> str:
        """What a task is judged by: what the run names, else its entry; empty for neither.

        Raises:
            UsageError: There is no such measure, or a parameter of it is wrong.
        """
        value = self.config.measure or entry.measure
        return "" if value is None else self.names.make("measure", value).label
