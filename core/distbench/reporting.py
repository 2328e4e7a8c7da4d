"""Tells the reporters of a run what happens, and keeps their troubles away from it."""

from __future__ import annotations

from typing import cast

from distbench.components import Reporter
from distbench.config import RunConfig
from distbench.plugins import Registry


class Reporters:
    """The reporters of a run; one that fails is warned of once and not asked again.

    Args:
        config: Names them.
        names: Where they are found.

    Attributes:
        warnings: Which failed, and why.
    """

    def __init__(self, config: RunConfig, names: Registry) -> None:
        self._all = [
            cast(Reporter, names.make("reporter", value, base=config.base_of("reporter")))
            for value in config.reporter
        ]
        self.warnings: list[str] = []

    def tell(self, what: str, *facts: object) -> None:
        """Calls one method of every reporter."""
        for reporter in list(self._all):
            try:
                getattr(reporter, what)(*facts)
            except Exception as error:
                self._all.remove(reporter)
                reason = f"{type(error).__name__}: {error}"
                self.warnings.append(f"reporter {reporter.name} failed and was left out: {reason}")
