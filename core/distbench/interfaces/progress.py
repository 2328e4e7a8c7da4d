"""How far a piece of work is, for whoever waits for it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is called as work goes on: with units of a run, trials of a search, bytes of a download."""

    def __call__(
        self,
        text: str,
        done: int = 0,
        total: int | None = None,
        *,
        minor: bool = False,
        left: float | None = None,
    ) -> None:
        """Takes one piece of news.

        Args:
            text: What is being done or has ended, in words.
            done: How much is done by now.
            total: Of how much; None where that is not known, or not counted.
            minor: It is one of many small pieces, which needs no line of its own in a log.
            left: Seconds that the rest takes, where that is known.
        """


def silent(text: str, done: int = 0, total: int | None = None, **more: object) -> None:
    """The `Progress` of work that nobody waits for."""


def spoken_time(seconds: float) -> str:
    """A time as one says it: 40 s, 12 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
