"""The measures that a bundle names, held against its suite."""

from __future__ import annotations

from distbench.interfaces.suite import SuiteDefinition
from distbench.planning.tasks import OF_SEVERAL
from distbench.plugins.registry import Registry
from distbench.submission.manifest import PublicPlan
from distbench.submission.validation_report import shown


def other_measures(
    plan: PublicPlan, suite: SuiteDefinition | None, names: Registry
) -> dict[str, str]:
    """Tasks that a bundle compares by another measure than the suite, with what to do about it.

    No result depends on it, but one table is by one measure.

    Args:
        plan: What the bundle planned.
        suite: The installed suite of its name; None if there is none.
        names: The installed components.
    """
    own = {entry.id: entry.measure for entry in suite.tasks} if suite else {}
    wrong = {}
    for task in plan.tasks:
        if task.id not in own:
            continue
        measure = own[task.id]
        usual = OF_SEVERAL if task.several else ""
        wanted = names.make("measure", measure).label if measure else usual
        if task.measure != wanted:
            wrong[task.id] = (
                f"its suite compares by {wanted or 'accuracy'} and it by "
                f"'{shown(task.measure or 'accuracy')}'; run it again without --measure"
            )
    return wrong
