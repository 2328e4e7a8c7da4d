"""Checks of suites: what they name is there."""

from __future__ import annotations

from distbench.errors import DistbenchError
from distbench.interfaces.suite import Suite, SuiteDefinition, Value
from distbench.planning.settings import check_settings
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject


def definition_of(subject: Subject) -> SuiteDefinition:
    """The suite itself.

    Raises:
        Fault: It has none.
    """
    suite: Suite = subject.make()
    with fault_if_raises("reading its definition", "give a distbench.SuiteDefinition"):
        definition = suite.definition()
    if not isinstance(definition, SuiteDefinition):
        raise Fault(f"definition() gives {type(definition).__name__}", "give a SuiteDefinition")
    return definition


@check("suite")
def definition(subject: Subject) -> None:
    """It is the same every time, versioned, and called as it is offered."""
    one, other = definition_of(subject), definition_of(subject)
    if one != other:
        raise Fault("its definition differs from call to call", "read it from a file beside it")
    if one.name != subject.name:
        raise Fault(
            f"it is offered as {subject.name!r} but calls itself {one.name!r}",
            "use one name: seeds are drawn from it",
        )
    if not one.tasks:
        raise Fault("it has no tasks", "name one at least")


@check("suite")
def resolves(subject: Subject) -> None:
    """Its tasks, zoo, student, reference and settings are components that there are."""
    suite = definition_of(subject)

    def exists(kind: str, value: Value, what: str) -> None:
        try:
            subject.names.make(kind, value, base=suite.base)
        except DistbenchError as error:
            raise Fault(f"{what}: {error}", "name what `distbench list` shows") from None

    for entry in suite.tasks:
        exists("task", entry.component(), f"task {entry.id}")
    exists("student", suite.student, "its student")
    exists("baseline", suite.reference, "its reference")
    if suite.zoo is not None:
        exists("zoo", suite.zoo, "its zoo")
    try:
        check_settings(suite, subject.names)
    except DistbenchError as error:
        raise Fault(str(error), "name components that there are") from None


@check("suite")
def development_tasks(subject: Subject) -> None:
    """What settings are tuned on are none of its own tasks."""
    from distbench.planning.config import RunConfig
    from distbench.workflows.tune.development_tasks import with_development_tasks

    suite = definition_of(subject)
    if not suite.tuning.tasks:
        raise NotChecked("it names no tasks for `distbench tune`")
    with fault_if_raises("finding its development tasks", "name other tasks than its own"):
        config = RunConfig.make(plugin=subject.plugin_files)
        with_development_tasks(config, suite, subject.names)
