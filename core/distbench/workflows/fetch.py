"""Everything that a run needs from the network, got before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import cast

from distbench.errors import DistbenchError, MachineError, RefusedError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.student import Student
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import Zoo
from distbench.planning.config import RunConfig
from distbench.planning.resolve import find_suite, find_tasks
from distbench.plugins.registry import registry
from distbench.storage.downloads import Download, free_space
from distbench.storage.offline import go_offline

Listener = Callable[[Download, int], None]
"""Told of bytes as they arrive."""


@dataclass(frozen=True)
class Need:
    """One download and who needs it.

    Attributes:
        of: The component, as one would type it, or the task's id.
        download: The download.
        size: Bytes that are still missing; None where that is not known.
        problem: Why it cannot be had, as far as that is known beforehand.
    """

    of: str
    download: Download
    size: int | None
    problem: str | None = None

    @property
    def present(self) -> bool:
        """Whether nothing is missing."""
        return self.problem is None and self.size == 0


def needs(config: RunConfig, only: Sequence[str] = ()) -> list[Need]:
    """What the tasks, the zoo and the student of a run need, and how much of it is missing.

    Args:
        config: The run.
        only: Patterns; of the task ids, and of ``zoo`` and ``student``, only those that match.

    Raises:
        UsageError: A name is unknown, or nothing matches.
    """
    if config.offline:
        go_offline()
    found: dict[str, Component] = {}
    names = registry(config.plugin)
    suite = find_suite(config, names)
    for placed in find_tasks(config, suite, names):
        task = names.make("task", placed.entry.component(), base=placed.base)
        found[placed.entry.id] = cast(Task, task)
    if zoo := config.zoo or suite.zoo:
        base = config.base_of("zoo") if config.zoo else suite.base
        found["zoo"] = cast(Zoo, names.make("zoo", zoo, base=base))
    base = config.base_of("student") if config.student else suite.base
    found["student"] = cast(
        Student, names.make("student", config.student or suite.student, base=base)
    )
    wanted = [name for name in found if not only or any(fnmatch(name, p) for p in only)]
    if not wanted:
        raise UsageError(f"--only {' '.join(only)} matches none of {', '.join(found)}")
    return needs_of({name: found[name] for name in wanted})


def needs_of(components: Mapping[str, Component]) -> list[Need]:
    """What components need, by what each is called; what several need is named once."""
    each: dict[str, Need] = {}
    for name, component in components.items():
        for download in component.downloads():
            if (same := repr(download)) not in each:
                each[same] = _need(name, download)
    return list(each.values())


def _need(of: str, download: Download) -> Need:
    if download.present():
        return Need(of, download, 0)
    try:
        return Need(of, download, download.missing_bytes())
    except RefusedError as error:
        return Need(of, download, download.size, str(error))


def fetch(wanted: Sequence[Need], listener: Listener | None = None) -> list[Need]:
    """Gets what is missing.

    Args:
        wanted: What `needs` found.
        listener: Told of progress.

    Returns:
        Those that could not be had, each with its problem.

    Raises:
        MachineError: There is no room for all of it; nothing was fetched.
    """
    missing = [need for need in wanted if not need.present]
    if trouble := no_room(missing):
        raise MachineError(trouble)
    failed = []
    for need in missing:
        try:
            need.download.fetch(lambda count, d=need.download: listener and listener(d, count))  # type: ignore[misc]
        except OSError as error:
            if isinstance(error, DistbenchError):
                raise
            raise MachineError.of(f"{error.strerror or error} ({error.filename})") from None
        except RefusedError as error:
            failed.append(Need(need.of, need.download, need.size, str(error)))
    return failed


def no_room(missing: Sequence[Need]) -> str | None:
    """What to say where a disk has no room for what is missing."""
    by_folder: dict[Path, int] = {}
    for need in missing:
        folder = need.download.destination()
        by_folder[folder] = by_folder.get(folder, 0) + (need.size or 0)
    return next((text for f, n in by_folder.items() if (text := free_space(n, f))), None)
