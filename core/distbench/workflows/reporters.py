"""Tells the reporters of a run what happens, and keeps their troubles away from it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from distbench.errors import DistbenchError, UsageError, interrupts, reason_of
from distbench.interfaces.reporter import Reporter, RunFacts
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.plugins.registry import Registry


def run_facts(plan: Plan, folder: Path, *, cells: int, missing: int) -> RunFacts:
    """The facts of a plan, or of a slice of it."""
    return RunFacts(
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
            names.make("reporter", value, base=config.base_of("reporter"))
            for value in config.reporter
        ]
        self.warnings: list[str] = []
        for reporter in self._all:
            try:
                reporter.check()
            except BaseException as error:
                if interrupts(error) or isinstance(error, DistbenchError):
                    raise
                raise UsageError(
                    f"reporter {reporter.name} cannot work here: {reason_of(error)}"
                ) from error

    def __bool__(self) -> bool:
        return bool(self._all)

    def notify(self, what: str, *facts: object) -> None:
        """Calls one method of every reporter."""
        for reporter in self._all:
            try:
                copies = deepcopy(facts)
                getattr(reporter, what)(*copies)
                if copies != facts:
                    raise ValueError("it changes what it is told; work on a copy")
            except BaseException as error:
                if interrupts(error):
                    raise
                self._all = [other for other in self._all if other is not reporter]
                self.warnings.append(
                    f"reporter {reporter.name} failed and was left out: {reason_of(error)}"
                )
