"""Where the images of tasks lie: units are given to whoever has worked on their task lately."""

from __future__ import annotations


def lately(task: str, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Tasks in the order in which they were worked on, the last first, with one more."""
    return (task, *(other for other in tasks if other != task))


class Near:
    """What each host of a cluster has worked on in this run."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[str, ...]] = {}

    def to(self, host: str) -> tuple[str, ...]:
        """The tasks whose images a host has, the last first."""
        return self._tasks.get(host, ())

    def given(self, task: str, host: str) -> None:
        """Notes that a host has worked on a unit of a task."""
        self._tasks[host] = lately(task, self.to(host))
