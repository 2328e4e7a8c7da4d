"""The same thing in several places."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distbench import DataError, Download, RefusedError, offline

_log = logging.getLogger(__name__)


@dataclass
class FirstOf(Download):
    """The same thing in several places: the first that can be had."""

    what: str
    options: tuple[Download, ...]
    size: int | None = None

    def destination(self) -> Path:
        return self.options[0].destination()

    def present(self) -> bool:
        return any(option.present() for option in self.options)

    def missing_bytes(self) -> int | None:
        if self.present():
            return 0
        if offline():
            raise DataError(f"cannot get {self.what}: distbench is offline")
        return self._first(lambda option: option.missing_bytes())

    def fetch(self, progress: Callable[[int], None]) -> None:
        if not self.present():
            self._first(lambda option: option.fetch(progress), tell=True)

    def _first(self, ask: Callable[[Download], int | None], *, tell: bool = False) -> int | None:
        refused: list[str] = []
        for number, option in enumerate(self.options, 1):
            try:
                return ask(option)
            except RefusedError as error:
                refused.append(str(error))
                if tell and number < len(self.options):
                    _log.warning("%s; trying %s", error, self.options[number].what)
        raise DataError("; ".join(dict.fromkeys(refused)))


def first_of(what: str, options: Sequence[Download]) -> Download:
    """One download for several places."""
    if len(options) == 1:
        return options[0]
    return FirstOf(what, tuple(options), options[0].size)
