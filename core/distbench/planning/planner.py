"""Makes the plan: resolves names, checks data and weights, keys every artifact and cell."""

from __future__ import annotations

from typing import cast

from distbench.errors import DataError, UsageError
from distbench.interfaces.student import Student
from distbench.interfaces.suite import Protocol
from distbench.interfaces.task import Task
from distbench.interfaces.zoo import SourceInfo, Zoo
from distbench.planning.config import RunConfig
from distbench.planning.jobs import lay_out
from distbench.planning.keys import Keys, images_key
from distbench.planning.methods import plan_methods, plan_reference
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.resolve import (
    PlacedTask,
    check_settings,
    find_encoders,
    find_generalist,
    find_suite,
    find_tasks,
    find_zoo,
    overlaps,
    usable_sources,
)
from distbench.planning.split import split_train
from distbench.plugins.component_identity import as_table, identity_of, plugin_digests
from distbench.plugins.registry import Registry, registry
from distbench.storage.hashing import digest
from distbench.storage.offline import go_offline


def make_plan(config: RunConfig) -> Plan:
    """Plans a run; decodes no image, loads no weights, writes nothing.

    Raises:
        UsageError: A name is unknown, a parameter wrong, or something is missing.
        DataError: A task's data cannot be used.
        WeightsError: Weights are missing or are not what their fingerprint says.
    """
    if config.offline:
        go_offline()
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    check_settings(suite, names)
    methods = plan_methods(config, suite, names, protocol)
    with_sources = any(m.uses_sources for m in methods)
    student = cast(
        Student,
        names.make(
            "student",
            config.student or suite.student,
            base=config.base_of("student") if config.student else suite.base,
        ),
    )
    student_identity = {
        **identity_of(names, "student", student),
        "weights": student.fingerprint(),
    }
    zoo = find_zoo(config, suite, names) if with_sources else None
    sources = tuple(s.info for s in usable_sources(zoo)) if zoo else ()
    generalist = find_generalist(suite, zoo) if any(m.generalist for m in methods) else None
    encoders = find_encoders(zoo, {m.encoder for m in methods if m.encoder}) if zoo else {}
    overlap = config.overlap or suite.overlap
    tasks = tuple(
        plan_task(placed, names, protocol, config.skip_corrupt)
        for placed in find_tasks(config, suite, names)
    )
    others = {s.name: s for s in (generalist, *encoders.values()) if s and s not in sources}
    everyone = (*sources, *others.values())
    saw = {t.id: overlaps(everyone, t.seen_by, names) for t in tasks}
    excluded = saw if overlap == "exclude" else {t.id: {} for t in tasks}
    marked = saw if overlap == "allow" else {t.id: {} for t in tasks}
    seeds = tuple(range(config.first_seed, config.first_seed + protocol.seeds))
    if not tasks:
        raise UsageError(f"suite {suite.name!r} has no tasks, and no --task is given")
    made_by = names.provenance("zoo", zoo.name) if zoo else {}
    reference = plan_reference(methods, suite, names, protocol)
    keys = Keys(
        suite,
        protocol,
        student_identity,
        sources,
        made_by,
        excluded,
        marked,
        reference,
        generalist,
        encoders,
    )
    jobs, cells = lay_out(tasks, methods, seeds, keys)
    named = config.name or f"{suite.name}-{digest(sorted(c.key for c in cells))[:8]}"
    return Plan(
        name=named,
        suite=suite.name,
        suite_version=suite.version,
        protocol=protocol,
        device=config.device,
        plugin_files=plugin_digests(config.plugin),
        skip_corrupt=config.skip_corrupt,
        save_student=config.save_student if config.save_student is not None else not suite.tasks,
        student=as_table(student),
        student_identity=student_identity,
        zoo=as_table(zoo) if zoo else None,
        zoo_identity=_zoo_identity(zoo, sources) if zoo else None,
        zoo_provenance=made_by,
        sources=sources,
        generalist=generalist,
        encoders=tuple(encoders.values()),
        reference=reference,
        excluded=excluded,
        marked=marked,
        seeds=seeds,
        tasks=tasks,
        methods=methods,
        jobs=jobs,
        cells=cells,
        distributions=names.distributions(),
    )


def plan_task(
    placed: PlacedTask,
    names: Registry,
    protocol: Protocol,
    skip_corrupt: bool,
) -> PlannedTask:
    """Reads a task's index and checks that the protocol can be applied to it.

    Raises:
        DataError: It has one class, or a class without a labelled image, or no test images.
    """
    entry = placed.entry
    task = cast(Task, names.make("task", entry.component(), base=placed.base))
    index = task.index()
    if not index.classes:
        raise DataError(
            f"task {entry.id!r} has no classes to learn: its images have no labels. A distiller "
            "takes them as transfer=..., `distbench retrieve` as --gallery"
        )
    if len(index.classes) < 2:
        raise DataError(
            f"task {entry.id!r} has one class ({', '.join(index.classes)}); "
            "there is nothing to tell apart. Put the images of each class in a folder of its own"
        )
    if not len(index.parts["test"]):
        raise DataError(f"task {entry.id!r} has no test image")
    try:
        split_train(index.parts["train"].labels, index.classes, protocol, 0)
    except DataError as error:
        raise DataError(f"task {entry.id!r}: {error}") from None
    return PlannedTask(
        id=entry.id,
        label=task.typed(whole_paths=False),
        component=as_table(task),
        fingerprint=index.fingerprint,
        classes=index.classes,
        seen_by=tuple(sorted({*entry.seen_by, *index.seen_by})),
        notes=index.notes,
        images_key=images_key(task, index.fingerprint, names, protocol, skip_corrupt),
    )


def _zoo_identity(zoo: Zoo, sources: tuple[SourceInfo, ...]) -> str:
    """A zoo's name and what is in it, the same wherever it lies."""
    return f"{zoo.name}@{digest([s.model_dump(exclude={'licence'}) for s in sources])[:12]}"
