"""A plan held against the suite that is installed under its name, and against its components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from distbench.errors import DistbenchError, PluginError, UnknownNameError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import kind_of
from distbench.interfaces.suite import METHOD_KINDS, Protocol, SuiteDefinition
from distbench.interfaces.zoo_sources import sources_of
from distbench.planning.eligibility import SAW_LABELS
from distbench.planning.methods import method_id, method_role
from distbench.planning.suite_choice import NO_SUITE
from distbench.plugins.registry import Registry
from distbench.storage.validation import faults_of
from distbench.submission.manifest import PlanMethod, PublicPlan, same_json
from distbench.submission.measure_checks import other_measures
from distbench.submission.no_network import without_network
from distbench.submission.task_labels import TaskLabels
from distbench.submission.validation_report import ValidationReport, shown


def find_suite(plan: PublicPlan, names: Registry) -> SuiteDefinition | None:
    """The installed suite of the plan's name; None if there is none."""
    if plan.suite not in names.names("suite"):
        return None
    return names.make("suite", plan.suite).definition()


def check_suite(
    plan: PublicPlan,
    suite: SuiteDefinition | None,
    names: Registry,
    labels: TaskLabels,
    report: ValidationReport,
) -> None:
    """Refuses a plan that is not what the suite of its name stands for.

    Notes where it differs in what tables tell apart: student, zoo, sources that saw a task.
    """
    first = min(plan.seeds)
    if sorted(plan.seeds) != list(range(first, first + len(plan.seeds))):
        seeds = shown(", ".join(map(str, plan.seeds)))
        report.refuse("seeds", f"the seeds are {seeds}; they follow each other without gaps")
    elif first:
        report.note(
            f"its seeds begin at {first}: a confirmation on fresh seeds, with a table of its own"
        )
    try:
        protocol = Protocol.model_validate(plan.protocol)
    except ValidationError as error:
        report.refuse("protocol", f"the protocol will not do: {shown(faults_of(error, Protocol))}")
        return
    if protocol.seeds != len(plan.seeds):
        report.refuse(
            "seeds", f"the protocol has {protocol.seeds} seeds, the plan {len(plan.seeds)}"
        )
    _check_tasks(plan, suite, labels, report)
    for task, reason in other_measures(plan, suite, names).items():
        report.refuse("tasks", f"task {shown(task)}: {reason}")
    settings = suite.settings if suite else {} if plan.suite == NO_SUITE else None
    for method in plan.methods:
        _check_method(method, settings, names, report)
    if suite is None:
        report.note(
            f"suite '{shown(plan.suite)}' is not installed here: its protocol, tasks and settings "
            "could not be compared"
        )
        return
    if plan.suite_version != suite.version:
        report.refuse(
            "suite",
            f"suite {suite.name} has version {suite.version} here, not {plan.suite_version}; "
            "run again with the distbench that has it",
        )
        return
    # Seeds may differ, since no cell depends on how many there are.
    for key, (ours, value) in suite.protocol.changed_from(protocol).items():
        report.refuse(
            "protocol",
            f"suite {suite.name} has {key}={ours}, these results were made with "
            f"{shown(value)}; a changed protocol is another suite and needs a name of its own",
        )
    _check_student(plan, suite, names, report)
    _check_zoo(plan, suite, names, report)
    if labels_allowed(plan):
        report.note("sources that saw a task were allowed and are marked (overlap=allow)")


def labels_allowed(plan: PublicPlan) -> bool:
    """Whether sources that had learnt labels of a task were kept, as ``overlap=allow`` does."""
    reasons = (reason for marked in plan.marked.values() for reason in marked.values())
    return any(reason.startswith(SAW_LABELS) for reason in reasons)


def _check_tasks(
    plan: PublicPlan, suite: SuiteDefinition | None, labels: TaskLabels, report: ValidationReport
) -> None:
    ours = {entry.id: entry for entry in suite.tasks} if suite else {}
    for task in plan.tasks:
        if suite is not None and task.id not in ours:
            report.refuse("tasks", f"suite {suite.name} has no task '{shown(task.id)}'")
            continue
        if suite is not None and task.flip != ours[task.id].flip:
            report.refuse(
                "protocol",
                f"suite {suite.name} has flip={ours[task.id].flip} for task {shown(task.id)}",
            )
        if suite is not None and task.group and task.group != (ours[task.id].group or task.id):
            report.refuse(
                "tasks",
                f"suite {suite.name} has task {shown(task.id)} in another group than "
                f"'{shown(task.group)}'",
            )
        index = labels.task(task)
        if isinstance(index, str):
            continue
        if index.fingerprint != task.fingerprint:
            report.refuse(
                "data",
                f"task {shown(task.id)}: the data have fingerprint {shown(task.fingerprint, 16)}, "
                f"those of this task have {index.fingerprint[:16]}",
            )
        elif index.classes != task.classes:
            report.refuse("data", f"task {shown(task.id)}: its classes are other ones")
    left = [id for id in ours if id not in {task.id for task in plan.tasks}]
    if left:
        report.note(
            f"covers {len(ours) - len(left)} of the {len(ours)} tasks of the suite; "
            f"{', '.join(left)} are not among them"
        )


def _check_method(
    method: PlanMethod,
    settings: Mapping[str, Mapping[str, Any]] | None,
    names: Registry,
    report: ValidationReport,
) -> None:
    """Refuses a method whose name hides its parameters, or whose role is not its own."""
    if not method.components or not method.components.keys() <= set(METHOD_KINDS):
        report.refuse("methods", f"{shown(method.id)} is not made of components of a method")
        return
    try:
        parts = {
            kind: component_of(names, kind, table) for kind, table in method.components.items()
        }
    except (UnknownNameError, PluginError, Unfollowed) as error:
        report.note(f"method {shown(method.id)} was not compared: {shown(error, 300)}")
        return
    except DistbenchError as error:
        report.refuse("methods", f"{shown(method.id)}: {shown(error, 300)}")
        return
    called = method_id(parts, settings or {})
    if settings is not None and called != method.id:
        report.refuse(
            "methods",
            f"the method called '{shown(method.id)}' has the components of '{shown(called)}'",
        )
    if method_role(parts) != method.role:
        report.refuse(
            "methods", f"{shown(method.id)} is {method_role(parts)}, not {shown(method.role)}"
        )
    for kind, table in method.components.items():
        if table.get("version") != parts[kind].version:
            report.note(
                f"{kind} {parts[kind].name} has version {parts[kind].version} here, not "
                f"{shown(table.get('version'))}"
            )


class Unfollowed(Exception):  # noqa: N818 - says why something is left alone
    """A component that is not made from a bundle, with the reason."""


def component_of(names: Registry, kind: str, identity: Mapping[str, Any]) -> Component:
    """A component by its installed name and its parameters, none of which leads anywhere.

    Raises:
        Unfollowed: A parameter is a path, an address or a file.
        UnknownNameError: It is not installed.
        PluginError: The plugin that offers it does not work.
        DistbenchError: It does not take these parameters, or carries a built-in's name and another
            source.
    """
    return names.make(kind, _component_table(names, kind, identity))


def _component_table(names: Registry, kind: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    name, params = identity.get("name"), identity.get("params", {})
    if not isinstance(name, str) or not isinstance(params, dict) or ":" in name:
        raise Unfollowed(f"{kind} has no name or no parameters")
    cls = names.load(kind, name)
    called = f"{kind} {shown(name)}"
    if names.offer(kind, name).origin.builtin and "source" in identity:
        raise UsageError(f"{called} is distbench's own, this one has a source of its own")
    for key in params:
        if key not in cls.parameters():
            raise UsageError(f"{called} has no parameter '{shown(key)}'")
    if files := identity.get("files"):
        if not {str(key).partition(".")[0] for key in files} <= cls.parameters().keys():
            raise UsageError(f"{called} takes no such files")
        raise Unfollowed(f"{kind} {name} takes a file")
    for key, field in cls.parameters().items():
        is_path = field.annotation is Path or Path in get_args(field.annotation)
        if is_path and params.get(key, "left out") is not None:
            raise Unfollowed(f"{kind} {name} takes a path ({key})")
    table: dict[str, Any] = {"use": name}
    for key, value in params.items():
        if inner := _kind_of(cls.parameters().get(key)):
            if value is not None and not isinstance(value, dict):
                raise Unfollowed(f"{kind} {name}: {key} is not said in full")
            table[key] = None if value is None else _component_table(names, inner, value)
            continue
        for text in _texts(value) if _takes_text(cls.parameters()[key].annotation) else ():
            if "/" in text or "\\" in text or "://" in text:
                raise Unfollowed(f"{kind} {name}: {key}='{shown(text)}' is a path or an address")
        table[key] = value
    return table


def _kind_of(field: FieldInfo | None) -> str | None:
    """The kind of component that a parameter takes, if it takes one."""
    annotation = field.annotation if field else None
    return next(filter(None, map(kind_of, (annotation, *get_args(annotation)))), None)


def _takes_text(annotation: Any) -> bool:
    """Whether a parameter of this type can be a text of any kind; a wrong one is refused."""
    if get_origin(annotation) is Literal:
        return False
    if inner := get_args(annotation):
        return any(map(_takes_text, inner))
    return annotation not in (int, float, bool, NoneType, Ellipsis)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for v in value.values() for text in _texts(v)] + [str(k) for k in value]
    if isinstance(value, (list, tuple)):
        return [text for v in value for text in _texts(v)]
    return []


def _check_student(
    plan: PublicPlan, suite: SuiteDefinition, names: Registry, report: ValidationReport
) -> None:
    try:
        with without_network():
            ours = names.make("student", suite.student, base=suite.base)
            weights = ours.fingerprint()
    except Exception as error:  # whatever a plugin does, the rest is still judged
        report.note(f"the suite's student was not compared: {shown(error, 300)}")
        return
    identity = ours.identity()
    if not same_json(identity, {key: plan.student.get(key) for key in identity}):
        report.note(
            f"the student is {shown(plan.student.get('name'))}, not the suite's {ours.name} as it "
            "stands there: these results are not compared with those of the suite's student"
        )
    elif plan.student.get("weights") != weights:
        report.refuse("student", "the student begins with other weights than the suite's")


def _check_zoo(
    plan: PublicPlan, suite: SuiteDefinition, names: Registry, report: ValidationReport
) -> None:
    if plan.zoo is None or suite.zoo is None:
        return
    try:
        with without_network():
            zoo = names.make("zoo", suite.zoo, base=suite.base)
            ours = {name: source.info for name, source in sources_of(zoo).items()}
    except Exception as error:  # whatever a plugin does, the rest is still judged
        report.note(f"the suite's zoo was not compared: {shown(error, 300)}")
        return
    if plan.zoo.partition("@")[0] != zoo.name:
        report.note(f"the sources are those of zoo {shown(plan.zoo)}, not of the suite's")
        return
    for name, source in plan.everyone().items():
        if name not in ours or ours[name].fingerprint != source.fingerprint:
            report.refuse(
                "weights of sources", f"source {shown(name)} is not the one of zoo {zoo.name}"
            )
    known = {name for name, info in ours.items() if info.role == "source"}
    for name in sorted(known - {source.name for source in plan.sources}):
        report.refuse("weights of sources", f"source {shown(name)} of the suite's zoo is missing")
