"""Checks of reporters, on a run with cells that are done, fail and decline."""

from __future__ import annotations

from typing import Any

from distbench.errors import UsageError
from distbench.plugins.component_identity import as_table
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import equal_results, options, run
from distbench.testing.subject import Subject, workplace

_BASELINES = ("finetune", "miniature_trouble", "miniature_trouble:decline")


def table_of(subject: Subject) -> dict[str, Any]:
    """It, ready to be named in a run.

    Raises:
        NotChecked: It says itself that it cannot work here.
    """
    reporter = subject.make()
    with workplace():
        try:
            reporter.check()
        except UsageError as error:
            raise NotChecked(f"it cannot work here: {error}") from None
    return as_table(reporter)


@check("reporter")
def listens(subject: Subject) -> None:
    """It takes rows that are done, failed and declined without an error, and changes none."""
    given = options(subject, baseline=_BASELINES)
    with workplace() as folder:
        alone = run(given, folder).rows
    given["reporter"] = (table_of(subject),)
    with workplace() as folder:
        result = run(given, folder)
    if result.warnings and (warnings := [w for w in result.warnings if w.startswith("reporter ")]):
        raise Fault(warnings[0], "row.result and row.cost are None unless row.status is 'done'")
    same = len(alone) == len(result.rows) and all(map(equal_results, alone, result.rows))
    if not same:
        raise Fault("a run with it has other results than one without", "only read what it is told")


@check("reporter")
def again(subject: Subject) -> None:
    """It takes a run that has nothing left to compute, and one after another run."""
    given = options(subject, baseline="finetune", reporter=(table_of(subject),))
    with workplace() as folder:
        for _ in range(2):
            result = run(given, folder)
            if warnings := [w for w in result.warnings if w.startswith("reporter ")]:
                raise Fault(warnings[0], "a run whose cells are kept has none that start")
