"""Development tasks: what settings are chosen on, and never the tasks of the suite itself."""

from __future__ import annotations

from fnmatch import fnmatchcase

from distbench.errors import UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.suite import SuiteDefinition, Value
from distbench.planning.config import RunConfig
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.component_identity import as_table
from distbench.plugins.registry import Registry
from distbench.storage.hashing import canonical_json


def with_development_tasks(config: RunConfig, suite: SuiteDefinition, names: Registry) -> RunConfig:
    """The configuration with the development tasks, and what the suite says of tuning.

    Raises:
        UsageError: There are none, or one of them is a task of the suite itself.
    """
    given = config.task or suite.tuning.tasks
    base = config.base_of("task") if config.task else suite.base
    if not given:
        raise UsageError(
            f"on which tasks? Suite {suite.name!r} names no development tasks; give some, e.g. "
            "--task folder:path=my_images. They must be other tasks than those that matter"
        )
    tables = []
    for value in (one for pattern in given for one in _expanded(pattern, names)):
        table = {"use": value} if isinstance(value, str) else dict(value)
        more = {key: table.pop(key) for key in ("id", "seen_by") if key in table}
        tables.append({**as_table(names.make("task", table, base=base)), **more})
    held = suite.tuning.validation if config.validation is None else config.validation
    tuned = config.model_copy(
        update={
            "task": tuple(tables),
            "validation": held,
            "seeds": config.seeds or suite.tuning.seeds,
            "name": None,
            "save_student": False,
        }
    )
    _refuse_targets(tuned, suite, names)
    return tuned


def _expanded(value: Value, names: Registry) -> list[Value]:
    """All tasks that a name with ``*`` or ``?`` stands for, each with what follows the name."""
    if not isinstance(value, str):
        return [value]
    name, colon, rest = value.partition(":")
    if not any(sign in name for sign in "*?["):
        return [value]
    matching = [known for known in names.names("task") if fnmatchcase(known, name)]
    if not matching:
        raise UnknownNameError("task", name, names.names("task"))
    return [known + colon + rest for known in matching]


def _refuse_targets(config: RunConfig, suite: SuiteDefinition, names: Registry) -> None:
    """Settings must not be chosen on the tasks that they are judged on."""
    ids = {entry.id for entry in suite.tasks}
    data = {
        _data(names.make("task", entry.component(), base=suite.base)): entry.id
        for entry in suite.tasks
    }
    for task in ResolvedRun(config, names).tasks:
        same = task.id if task.id in ids else data.get(_data(task.task.component))
        if same is not None:
            raise UsageError(
                f"task {same!r} is a target of suite {suite.name!r}: settings are chosen on other "
                "tasks, never on those that they are judged on"
            )


def _data(task: Component) -> str:
    """What tells one data set from another: names and paths, but not numbers such as a size."""
    table = as_table(task)
    return canonical_json({k: v for k, v in table.items() if not isinstance(v, int | float)})
