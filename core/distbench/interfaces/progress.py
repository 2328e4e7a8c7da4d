"""How far a piece of work is, for whoever waits for it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is called as work goes on: with units of a run, trials of a search, bytes of a download."""

    def __call__(
        self, text: str, done: int = 0, total: int | None = None, *, minor: bool = False
    ) -> None:
        """Takes one piece of news.

        Args:
            text: What is being done or has ended, in words.
            done: How much is done by now.
            total: Of how much; None where that is not known, or not counted.
            minor: It is one of many small pieces, which needs no line of its own in a log.
        """


def silent(text: str, done: int = 0, total: int | None = None, *, minor: bool = False) -> None:
    """The `Progress` of work that nobody waits for."""
