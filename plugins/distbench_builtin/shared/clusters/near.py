"""Where the images of tasks lie: units are given to whoever has worked on their task lately."""

from __future__ import annotations

from collections import deque


def lately(task: str, tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Tasks in the order in which they were worked on, the last first, with one more."""
    return (task, *(other for other in tasks if other != task))


class Near:
    """What each host of a cluster has worked on in this run, and which of them are idle.

    An engine sends a unit to a host that is idle, which is the one whose unit has just ended: so
    the next is one whose images lie there. It is not bound to that host, since engines keep what is
    bound to one that is gone, or that others occupy, until it is there again.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[str, ...]] = {}
        self._idle: deque[str] = deque()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those whose images lie where the next unit will go, the last worked on first."""
        return self._tasks.get(self._idle[0], ()) if self._idle else ()

    def sent(self) -> None:
        """Notes that a unit was sent, to the host that has been idle for longest."""
        if self._idle:
            self._idle.popleft()

    def ended(self, task: str, host: str) -> None:
        """Notes that a host has worked on a unit of a task, and is idle; not of one that is lost.

        Args:
            task: The unit's.
            host: As its outcome names it; empty where that is not known.
        """
        if host:
            self._tasks[host] = lately(task, self._tasks.get(host, ()))
            self._idle.append(host)
