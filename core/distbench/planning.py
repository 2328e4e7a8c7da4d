"""Makes the plan: resolves names, checks data and weights, keys every artifact and cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from distbench.component import Component
from distbench.components import Distiller, Metric, Student, Task, Zoo
from distbench.config import RunConfig
from distbench.crossing import crossed, method_id, method_role
from distbench.errors import DataError, UsageError
from distbench.identity import digest, file_digest
from distbench.keys import Keys
from distbench.offline import go_offline
from distbench.plan import (
    Cell,
    Job,
    Plan,
    PlannedMethod,
    PlannedTask,
    as_table,
    identity_of,
)
from distbench.plugins import Registry, registry
from distbench.resolve import (
    PlacedTask,
    check_settings,
    find_suite,
    find_tasks,
    find_zoo,
    overlaps,
    suite_component,
    suite_components,
    usable_sources,
)
from distbench.sources import SourceInfo
from distbench.split import split_train
from distbench.stages import VERSIONS
from distbench.suite import Protocol, SuiteDefinition


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
    methods = plan_methods(config, suite, names)
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
    overlap = config.overlap or suite.overlap
    tasks = tuple(
        plan_task(placed, names, protocol, config.skip_corrupt)
        for placed in find_tasks(config, suite, names)
    )
    saw = {t.id: overlaps(sources, t.seen_by, names) for t in tasks}
    excluded = saw if overlap == "exclude" else {t.id: {} for t in tasks}
    marked = saw if overlap == "allow" else {t.id: {} for t in tasks}
    seeds = tuple(range(protocol.seeds))
    if not tasks:
        raise UsageError(f"suite {suite.name!r} has no tasks, and no --task is given")
    made_by = names.provenance("zoo", zoo.name) if zoo else {}
    reference = plan_reference(methods, suite, names)
    keys = Keys(suite, protocol, student_identity, sources, made_by, excluded, marked, reference)
    jobs, cells = _lay_out(tasks, methods, seeds, keys)
    named = config.name or f"{suite.name}-{digest(sorted(c.key for c in cells))[:8]}"
    return Plan(
        name=named,
        suite=suite.name,
        suite_version=suite.version,
        protocol=protocol,
        device=config.device,
        plugin_files={str(f): file_digest(f) for f in (Path(p).resolve() for p in config.plugin)},
        skip_corrupt=config.skip_corrupt,
        save_student=config.save_student if config.save_student is not None else not suite.tasks,
        student=as_table(student),
        student_identity=student_identity,
        zoo=as_table(zoo) if zoo else None,
        zoo_identity=_zoo_identity(zoo, sources) if zoo else None,
        zoo_provenance=made_by,
        sources=sources,
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
    if len(index.classes) < 2:
        raise DataError(
            f"task {entry.id!r} has one class ({', '.join(index.classes) or 'none'}); "
            "there is nothing to tell apart. Put the images of each class in a folder of its own"
        )
    if not len(index.parts["test"]):
        raise DataError(f"task {entry.id!r} has no test image")
    try:
        split_train(index.parts["train"].labels, index.classes, protocol, 0)
    except DataError as error:
        raise DataError(f"task {entry.id!r}: {error}") from None
    images_key = digest(
        {
            "stage": "prepare",
            "version": VERSIONS["prepare"],
            "data": index.fingerprint,
            "store_size": protocol.store_size,
            "skip_corrupt": skip_corrupt,
            **names.provenance("task", task.name),
        }
    )
    return PlannedTask(
        id=entry.id,
        label=task.typed(whole_paths=False),
        component=as_table(task),
        fingerprint=index.fingerprint,
        classes=index.classes,
        seen_by=tuple(sorted({*entry.seen_by, *index.seen_by})),
        notes=index.notes,
        images_key=images_key,
    )


def plan_methods(
    config: RunConfig, suite: SuiteDefinition, names: Registry
) -> tuple[PlannedMethod, ...]:
    """The methods of a run, each with its name and the identities of its components."""
    methods: dict[str, PlannedMethod] = {}
    kinds = {
        kind: suite_components(config, names, suite, kind)
        for kind in ("distiller", "strategy", "metric", "baseline")
    }
    for parts in crossed(kinds["distiller"], kinds["strategy"], kinds["metric"], kinds["baseline"]):
        method = planned_method(parts, suite, names)
        methods.setdefault(method.id, method)
    if not methods:
        raise UsageError("nothing to run: name a --distiller with --strategy, or a --baseline")
    return tuple(methods.values())


def planned_method(
    parts: Mapping[str, Component], suite: SuiteDefinition, names: Registry
) -> PlannedMethod:
    """A method of these components, by kind."""
    return PlannedMethod(
        id=method_id(parts, suite.settings),
        role=method_role(parts),
        components={kind: as_table(part) for kind, part in parts.items()},
        identities={kind: identity_of(names, kind, part) for kind, part in parts.items()},
        needs=tuple(sorted({need for part in parts.values() for need in _needs(part)})),
    )


def _needs(part: Component) -> frozenset[str]:
    """What a component of a method needs of a source."""
    if isinstance(part, Metric):
        return part.needed()
    return part.needs if isinstance(part, Distiller) else frozenset()


def plan_reference(
    methods: tuple[PlannedMethod, ...], suite: SuiteDefinition, names: Registry
) -> PlannedMethod | None:
    """How the reference model is trained, where the metric of a method needs one."""
    if not any("reference" in method.needs for method in methods):
        return None
    baseline = suite_component(names, suite, "baseline", suite.reference, suite.base)
    return planned_method({"baseline": baseline}, suite, names)


def _zoo_identity(zoo: Zoo, sources: tuple[SourceInfo, ...]) -> str:
    """A zoo's name and what is in it, the same wherever it lies."""
    return f"{zoo.name}@{digest([s.model_dump(exclude={'licence'}) for s in sources])[:12]}"


def _lay_out(
    tasks: tuple[PlannedTask, ...],
    methods: tuple[PlannedMethod, ...],
    seeds: tuple[int, ...],
    keys: Keys,
) -> tuple[tuple[Job, ...], tuple[Cell, ...]]:
    """Jobs and cells, task by task; what several cells need is one job."""
    jobs: list[Job] = []
    cells: list[Cell] = []
    with_sources = any(m.uses_sources for m in methods)
    for task in tasks:
        prepare = Job(f"prepare:{task.id}", "prepare", task.images_key, task.id)
        jobs.append(prepare)
        embeds = {
            name: Job(f"embed:{task.id}:{name}", "embed", key, task.id, (prepare.id,), source=name)
            for name, key in (keys.embeddings(task) if with_sources else {}).items()
        }
        jobs += embeds.values()
        needed = {
            method.id: tuple(embeds[name].id for name in keys.embeddings(task, method))
            if method.uses_sources
            else ()
            for method in methods
        }
        method_keys = {method.id: keys.method(task, method) for method in methods}
        for seed in seeds:
            scored: set[str] = set()
            reference: tuple[str, ...] = ()
            if keys.reference is not None:
                key = keys.reference_features(task, seed)
                reference = (f"reference:{task.id}:{seed}",)
                jobs.append(Job(*reference, "reference", key, task.id, (prepare.id,), seed=seed))
            for method in methods:
                needs = needed[method.id] or (prepare.id,)
                if "metric" in method.identities:
                    key = keys.score(task, method, seed)
                    needs += reference if "reference" in method.needs else ()
                    job = f"score:{task.id}:{seed}:{key[:12]}"
                    if key not in scored:
                        scored.add(key)
                        jobs.append(
                            Job(job, "score", key, task.id, needs, method=method.id, seed=seed)
                        )
                    needs = (job,)
                cells.append(
                    Cell(
                        id=f"{task.id}:{method.id}:{seed}",
                        key=keys.cell(method_keys[method.id], seed),
                        task=task.id,
                        method=method.id,
                        seed=seed,
                        needs=needs,
                    )
                )
    return tuple(jobs), tuple(cells)
