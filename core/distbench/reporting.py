"""Tells the reporters of a run what happens, and keeps their troubles away from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from distbench.components import Reporter
from distbench.config import RunConfig
from distbench.errors import DistbenchError, UsageError
from distbench.plan import Plan
from distbench.plugins import Registry


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a reporter is told of a run as it starts.

    Attributes:
        name: Of the run, or of its slice.
        folder: Where its rows and tables will lie.
        suite: Name of the suite.
        suite_version: Its version.
        protocol: The protocol in force.
        student: Identity of the student and its initial weights.
        zoo: Name of the zoo and a digest of its sources; None where no method uses any.
        tasks: Ids of the tasks.
        methods: Ids of the methods.
        seeds: The seeds.
        cells: How many cells it has.
        missing: How many of them are to be computed now.
    """

    name: str
    folder: Path
    suite: str
    suite_version: int
    protocol: dict[str, Any]
    student: dict[str, Any]
    zoo: str | None
    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    cells: int
    missing: int

    @classmethod
    def of(cls, plan: Plan, folder: Path, *, cells: int, missing: int) -> RunFacts:
        """The facts of a plan, or of a slice of it."""
        return cls(
            name=folder.name,
            folder=folder,
            suite=plan.suite,
            suite_version=plan.suite_version,
            protocol=plan.protocol.model_dump(),
            student=plan.student_identity,
            zoo=plan.zoo_identity,
            tasks=tuple(task.id for task in plan.tasks),
            methods=tuple(method.id for method in plan.methods),
            seeds=plan.seeds,
            cells=cells,
            missing=missing,
        )


class Reporters:
    """The reporters of a run; one that fails is warned of once and not asked again.

    Args:
        config: Names them.
        names: Where they are found.

    Raises:
        UsageError: One is unknown or cannot work here.

    Attributes:
        warnings: Which failed, and why.
    """

    def __init__(self, config: RunConfig, names: Registry) -> None:
        self._all: Sequence[Reporter] = [
            cast(Reporter, names.make("reporter", value, base=config.base_of("reporter")))
            for value in config.reporter
        ]
        self.warnings: list[str] = []
        for reporter in self._all:
            try:
                reporter.check()
            except DistbenchError:
                raise
            except Exception as error:
                raise UsageError(
                    f"reporter {reporter.name} cannot work here: {type(error).__name__}: {error}"
                ) from error

    def __bool__(self) -> bool:
        return bool(self._all)

    def tell(self, what: str, *facts: object) -> None:
        """Calls one method of every reporter."""
        for reporter in self._all:
            try:
                getattr(reporter, what)(*facts)
            except Exception as error:
                self._all = [other for other in self._all if other is not reporter]
                reason = f"{type(error).__name__}: {error}"
                self.warnings.append(f"reporter {reporter.name} failed and was left out: {reason}")
