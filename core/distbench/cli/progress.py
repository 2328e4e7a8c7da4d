"""Progress on stderr: a bar with an ETA on a terminal, a line for each unit elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distbench.interfaces.executor import Outcome

_RECENT = 20
"""Units whose pace the time that is left is told from: what was kept or is cheap comes first."""


class Progress:
    """Shows what `distbench.workflows.run.execute` tells its listener."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._done = 0
        self._ends: deque[float] = deque(maxlen=_RECENT)

    def __enter__(self) -> Progress:
        self._ends.append(time.monotonic())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, outcome: Outcome, title: str, left: int) -> None:
        """One unit has ended."""
        self._done += 1
        now = time.monotonic()
        pace = (now - self._ends[0]) / len(self._ends)
        self._ends.append(now)
        if sys.stderr.isatty():
            self._advance(title, self._done + left)
        elif not outcome.unit.startswith(("embed:", "score:")) or outcome.status == "failed":
            end = "failed: " + (outcome.reason or "") if outcome.status == "failed" else "done"
            sys.stderr.write(
                f"[{self._done}/{self._done + left}] {title}: {end} "
                f"({outcome.seconds:.1f} s, about {pace * left:.0f} s left)\n"
            )
            sys.stderr.flush()

    def _advance(self, title: str, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("ETA"),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(title, total=total)
        self._bar.update(self._task, completed=self._done, total=total, description=title)


class Bytes:
    """Shows downloads as they come: a bar on a terminal, a line for each elsewhere.

    Args:
        total: Bytes that are expected.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Any = None
        self._task: Any = None
        self._shown = ""

    def __enter__(self) -> Bytes:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self._bar = Progress(
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total or None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, what: str, count: int) -> None:
        """So many bytes of a download have come."""
        if self._bar is not None:
            self._bar.update(self._task, advance=count, description=what)
        elif what != self._shown:
            sys.stderr.write(f"fetching {what}\n")
            sys.stderr.flush()
        self._shown = what
