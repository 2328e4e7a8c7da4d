"""Which methods are not defined on which tasks, by what their components say themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from distbench.errors import DistbenchError
from distbench.interfaces.method import Method
from distbench.interfaces.metric import Metric
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.plugins.registry import Registry

_TOLD = 6
"""Names of other components that a reason tells."""


def declined_methods(
    tasks: Sequence[PlannedTask],
    methods: Iterable[PlannedMethod],
    reference: PlannedMethod | None,
    names: Registry,
) -> dict[str, dict[str, str]]:
    """Methods that are not defined where an image may show several classes.

    Args:
        tasks: The tasks.
        methods: The methods.
        reference: How the reference model of metrics is trained, where one needs it.
        names: The installed components.

    Returns:
        For each such task the ids of these methods, with the reason.
    """
    of_several = [task.id for task in tasks if task.several]
    if not of_several:
        return {}
    reasons: dict[str, str] = {}
    for method in methods:
        parts = dict(method.components)
        if reference is not None and "reference" in method.needs:
            parts["baseline"] = reference.components["baseline"]
        for kind, table in parts.items():
            part = names.make(kind, table)
            if isinstance(part, Method | Metric) and "several" not in part.kinds:
                reasons[method.id] = _reason(kind, part.label, names)
                break
    declined = {
        task: {id: why.format(task=task) for id, why in reasons.items()} for task in of_several
    }
    return {task: ids for task, ids in declined.items() if ids}


def _reason(kind: str, label: str, names: Registry) -> str:
    """Why a component is not defined, and which are; ``{task}`` stands for the task."""
    others = []
    for name in names.names(kind):
        try:
            part = names.load(kind, name)
        except DistbenchError:  # a plugin that is broken is no help
            continue
        if "several" in getattr(part, "kinds", ()):
            others.append(name)
    more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
    told = ", ".join(others[:_TOLD]) + more
    plain = label.replace("{", "{{").replace("}", "}}")
    reason = (
        f"{kind} {plain} needs images of one class each, and those of {{task}} may show several"
    )
    return f"{reason}; choose {told}" if told else reason
