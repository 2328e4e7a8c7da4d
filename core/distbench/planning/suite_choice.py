"""Which suite a configuration runs."""

from __future__ import annotations

from distbench.interfaces.calls import instance, naming
from distbench.interfaces.suite import Suite, SuiteDefinition
from distbench.planning.config import DEFAULT_STUDENT, DEFAULT_SUITE, RunConfig
from distbench.plugins.registry import Registry
from distbench.storage.paths import at_home

NO_SUITE = "custom"
"""What is called the suite where none is run."""


def chosen_suite(config: RunConfig, names: Registry) -> SuiteDefinition:
    """The suite that is run: the one named, the default one, or none (`NO_SUITE`).

    Without ``--suite`` it is the default suite where no task is named or only tasks of it; any
    other task makes a run of its own, with a protocol that fits the machine.
    """
    if config.suite is not None:
        if config.suite.endswith(".toml"):
            return SuiteDefinition.from_toml(at_home(config.suite))
        return _definition(names.make("suite", config.suite))
    default = _definition(names.make("suite", DEFAULT_SUITE))
    known = {entry.id for entry in default.tasks}
    if all(isinstance(task, str) and task in known for task in config.task):
        return default
    return SuiteDefinition(name=NO_SUITE, version=1, student=config.student or DEFAULT_STUDENT)


def _definition(suite: Suite) -> SuiteDefinition:
    with naming(suite.name, "definition"):
        given = suite.definition()
    return instance(suite.name, "definition", given, SuiteDefinition)
