"""Progress on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, Self

from distbench.cli.shown.output import echo
from distbench.storage.safe_text import harmless_text, plain_line

_RECENT = 20
"""Units whose pace the time that is left is told from: what was kept or is cheap comes first."""


def show_line(text: str, done: int = 0, total: int | None = None, *, minor: bool = False) -> None:
    """A line for each piece of news, as it is."""
    echo(text, err=True)


class _Bar(ABC):
    """A bar on stderr, which appears with the first news."""

    transient = False

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, text: str, done: int, total: int | None) -> None:
        text = plain_line(harmless_text(text))
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress, TextColumn

            # What failed may hold brackets, which are no markup.
            text_column = TextColumn("{task.description}", markup=False)
            console = Console(stderr=True)
            self._bar = Progress(
                *self._columns(), text_column, console=console, transient=self.transient
            )
            self._bar.start()
            self._task = self._bar.add_task(text, total=total)
        self._bar.update(self._task, completed=done, total=total, description=text)

    @abstractmethod
    def _columns(self) -> list[Any]:
        """What stands before the text."""


class UnitProgress(_Bar):
    """Shows the units of runs, one run after the other: a bar with an ETA, or a line for each.

    Args:
        lines: Whether there are lines where there is no terminal.
    """

    transient = True

    def __init__(self, *, lines: bool = True) -> None:
        super().__init__()
        self._lines = lines
        self._ends: deque[float] = deque([time.monotonic()], maxlen=_RECENT)

    def __call__(
        self, text: str, done: int = 0, total: int | None = None, *, minor: bool = False
    ) -> None:
        """One unit has ended; with none done, what is to be known beforehand."""
        if done:
            self._count(text, done, total or done, minor)
        else:
            show_line(text)

    def _count(self, text: str, done: int, total: int, minor: bool) -> None:
        now = time.monotonic()
        if done == 1:  # of another run
            self._ends = deque([self._ends[-1]], maxlen=_RECENT)
        pace = (now - self._ends[0]) / len(self._ends)
        self._ends.append(now)
        if sys.stderr.isatty():
            self._show(text, done, total)
            if done == total:
                self._stop()
        elif self._lines and not minor:
            left = f", about {pace * (total - done):.0f} s left"
            # What comes first is quick or slow for reasons that end with it.
            steady = done >= min(_RECENT, total / 2)
            show_line(f"[{done}/{total}] {text}{left if steady else ''}")

    def _columns(self) -> list[Any]:
        from rich import progress as p

        counts = [p.BarColumn(), p.MofNCompleteColumn(), p.TimeElapsedColumn()]
        return [*counts, "ETA", p.TimeRemainingColumn()]


class ByteProgress(_Bar):
    """Shows downloads as they come: a bar over all of them, or a line for each."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""

    def __call__(
        self, text: str, done: int = 0, total: int | None = None, *, minor: bool = False
    ) -> None:
        """Some bytes have come."""
        if sys.stderr.isatty():
            self._show(text, done, total)
        elif text != self._shown:
            show_line(f"fetching {text}")
        self._shown = text

    def _columns(self) -> list[Any]:
        from rich import progress as p

        bytes_ = [p.BarColumn(), p.DownloadColumn(), p.TransferSpeedColumn()]
        return [*bytes_, p.TimeRemainingColumn()]
