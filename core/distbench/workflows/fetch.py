"""Everything that a run needs from the network, got before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from distbench.errors import DataError, DistbenchError, MachineError, UsageError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.component import Component
from distbench.interfaces.progress import Progress, silent
from distbench.planning.config import RunConfig
from distbench.planning.resolve import ResolvedRun
from distbench.storage.network.downloads import Download, free_space
from distbench.storage.network.http_transfer import failure
from distbench.storage.safe_text import harmless_text
from distbench.storage.system.disk import disk_trouble, is_of_disk


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
        return self.problem is None and self.download.present()


def needs(config: RunConfig, only: Sequence[str] = ()) -> list[Need]:
    """What the tasks, the zoo and the student of a run need, and how much of it is missing.

    Args:
        config: The run.
        only: Patterns; of the task ids, and of ``zoo`` and ``student``, only those that match.

    Raises:
        UsageError: A name is unknown, or nothing matches.
    """
    run = ResolvedRun(config)
    components: dict[str, Component] = {task.id: task.task.component for task in run.tasks}
    if (config.zoo or run.suite.zoo) is not None:
        components["zoo"] = run.zoo.component
    components["student"] = run.student.component
    wanted = [name for name in components if not only or any(fnmatch(name, p) for p in only)]
    if not wanted:
        raise UsageError(f"--only {' '.join(only)} matches none of {', '.join(components)}")
    return needs_of({name: components[name] for name in wanted})


def needs_of(components: Mapping[str, Component]) -> list[Need]:
    """What components need, by what each is called; what several need is named once."""
    each: dict[str, Need] = {}
    for name, component in components.items():
        with naming(component.name, "downloads"):
            downloads = [*component.downloads()]
        for download in downloads:
            kind: type[Any] = Download  # abstract
            instance(component.name, "downloads", download, kind)
            if (same := repr(download)) not in each:
                each[same] = _need(name, download)
    return list(each.values())


def _need(of: str, download: Download) -> Need:
    if download.present():
        return Need(of, download, 0)
    try:
        return Need(of, download, download.missing_bytes())
    except Exception as error:  # servers and their libraries fail in every way
        return Need(of, download, download.size, _problem(error))


def _problem(error: Exception) -> str:
    """Why something cannot be had, in one line."""
    if isinstance(error, DistbenchError):
        return str(error)
    return harmless_text(f"{type(error).__name__}: {failure(error)}")


def fetch(wanted: Sequence[Need], progress: Progress = silent) -> list[Need]:
    """Gets what is missing.

    Args:
        wanted: What is needed.
        progress: Hears of bytes as they arrive, of those that were missing.

    Returns:
        Those that could not be had, each with its problem.

    Raises:
        MachineError: There is no room for all of it, then nothing was fetched; or a disk does not
            take it.
    """
    missing = [need for need in wanted if not need.present]
    if trouble := no_room(missing):
        raise MachineError(trouble)
    total = sum(need.size or 0 for need in missing)
    done = 0
    failed = []
    for need in missing:

        def arrived(count: int, what: str = need.download.what) -> None:
            nonlocal done
            done += count
            progress(what, min(done, total) if total else done, total or None)

        try:
            need.download.fetch(arrived)
            if not need.download.present():
                raise DataError(f"{need.download.what} is not whole after all was fetched")
        except Exception as error:  # one that fails keeps nobody from the others
            if isinstance(error, OSError) and is_of_disk(error):
                raise MachineError.of(disk_trouble(error)) from None
            failed.append(Need(need.of, need.download, need.size, _problem(error)))
    return failed


def no_room(missing: Sequence[Need]) -> str | None:
    """What to say where a disk has no room for what is missing."""
    by_folder: dict[Path, int] = {}
    for need in missing:
        folder = need.download.destination()
        by_folder[folder] = by_folder.get(folder, 0) + (need.size or 0)
    return next((text for f, n in by_folder.items() if (text := free_space(n, f))), None)
