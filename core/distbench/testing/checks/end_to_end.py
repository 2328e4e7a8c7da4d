"""One real run with the component, from plan to leaderboard, for every kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distbench.errors import RefusedError
from distbench.interfaces.component import Component
from distbench.plugins.component_identity import as_table
from distbench.testing.check import check
from distbench.testing.checks.reporter import table_of
from distbench.testing.checks.suite import definition_of
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import equal_results, options, rows_of
from distbench.testing.subject import Subject, workplace

_LARGEST = 4000
"""Images of a task that is run; larger ones take too long."""
_DISTIL = {"distiller": "pseudo_labels", "strategy": "equal"}


@check()
def end_to_end(subject: Subject) -> None:
    """A whole run with it works, from the plan to the leaderboard."""
    if subject.kind == "suite":
        _run_suite(subject)
        return
    component: Component = subject.make_with_data()
    if subject.kind == "task":
        _small(component)
    if subject.kind == "reporter":
        table_of(subject)
    with workplace(own_home=not component.downloads()) as folder:
        table = as_table(component)
        rows = rows_of(options(subject, **_with(subject, component, table)), folder)
    if subject.kind == "executor":
        with workplace() as folder:
            reference = rows_of(options(subject, **_with(subject, component, "serial")), folder)
        if not all(map(equal_results, reference, rows)):
            raise Fault(
                "a run with it has other results than with `serial`",
                "compute nothing but by distbench.execute_unit, in a fresh process or this one",
            )


def _with(subject: Subject, component: Component, value: Any) -> dict[str, Any]:
    """Options of a run with a component in its place."""
    if subject.kind == "metric":
        return {"distiller": "pseudo_labels", "strategy": "weighted", "metric": (value,)}
    if subject.kind == "strategy":
        return {"distiller": "pseudo_labels", "metric": "logme", "strategy": (value,)}
    if subject.kind == "zoo":
        return {**_DISTIL, "zoo": value}
    if subject.kind == "student":
        from distbench.testing.checks.student import side_of

        side = side_of(component)  # type: ignore[arg-type]
        return {"baseline": "finetune", "student": value, "image_size": side, "save_student": True}
    if subject.kind == "distiller":
        return {**_DISTIL, "distiller": (value,)}
    if subject.kind == "executor":
        return {"baseline": "finetune", "executor": value, "workers": 1}
    if subject.kind == "measure":
        return {"baseline": "finetune", "measure": component.label}
    several = (value,) if subject.kind in ("baseline", "task", "reporter") else value
    return {"baseline": "finetune", subject.kind: several}


def _small(task: Component) -> None:
    """Lets tasks through that are here and can be decoded in seconds."""
    try:
        parts = task.index().parts  # type: ignore[attr-defined]
    except RefusedError as error:
        raise NotChecked(str(error).partition("\n")[0]) from None
    images = sum(len(part) for part in parts.values())
    if images > _LARGEST:
        raise NotChecked(f"it has {images} images; a run is made with {_LARGEST} at most")


def _run_suite(subject: Subject) -> None:
    """Fine-tunes its student on the first of its tasks that can be had, for a few steps."""
    suite = definition_of(subject)
    student = subject.names.make("student", suite.student, base=suite.base)
    entry = suite.tasks[0]
    task = subject.names.make("task", entry.component(), base=suite.base)
    needs: Sequence[Any] = (*student.downloads(), *task.downloads())
    if missing := sum(not need.present() for need in needs):
        raise NotChecked(f"{missing} downloads are not on this machine (`distbench fetch`)")
    _small(task)
    given = {"suite": subject.spec, "task": (entry.id,), "baseline": "finetune", "steps": 3}
    with workplace(own_home=not needs) as folder:
        rows_of(options(subject, **given), folder)
