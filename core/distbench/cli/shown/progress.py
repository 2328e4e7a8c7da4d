"""Progress on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from typing import Any, Self

from distbench.cli.shown.output import echo
from distbench.interfaces.progress import spoken_time
from distbench.storage.safe_text import harmless_text, plain_line


def show_line(text: str, done: int = 0, total: int | None = None, **more: object) -> None:
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
        self._end: float | None = None

    def __call__(
        self,
        text: str,
        done: int = 0,
        total: int | None = None,
        *,
        minor: bool = False,
        left: float | None = None,
    ) -> None:
        """One unit has begun or ended; without a total, what is to be known beforehand."""
        if total is None:
            show_line(text)
            return
        self._end = None if left is None else time.monotonic() + left
        if sys.stderr.isatty():
            self._show(text, done, total)
            if done == total:
                self._stop()
        elif self._lines and not minor:
            rest = f", {self._left()} left" if done < total and self._end is not None else ""
            show_line(f"[{done}/{total}] {text}{rest}")

    def _left(self) -> str:
        """The time that is left by now; empty where it is not known."""
        if self._end is None:
            return ""
        return f"about {spoken_time(max(self._end - time.monotonic(), 0.0))}"

    def _columns(self) -> list[Any]:
        from rich import progress as p
        from rich.text import Text

        bar = self

        class Left(p.ProgressColumn):
            """The time that is left, going down between two pieces of news."""

            def render(self, task: p.Task) -> Text:
                left = bar._left()
                return Text(f"{left} left" if left else "")

        return [p.BarColumn(), p.MofNCompleteColumn(), p.TimeElapsedColumn(), Left()]


class ByteProgress(_Bar):
    """Shows downloads as they come: a bar over all of them, or a line for each."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""

    def __call__(self, text: str, done: int = 0, total: int | None = None, **more: object) -> None:
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
