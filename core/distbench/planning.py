"""Makes the plan: resolves names, checks data and weights, keys every artifact and cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from distbench.component import Component
from distbench.components import Student, Suite, Task, Zoo
from distbench.config import DEFAULT_STUDENT, DEFAULT_SUITE, RunConfig
from distbench.errors import DataError, UsageError
from distbench.identity import digest, seed_for
from distbench.plan import (
    Cell,
    Job,
    Plan,
    PlannedMethod,
    PlannedTask,
    as_table,
    crossed,
    identity_of,
    method_id,
    method_role,
)
from distbench.plugins import Registry, registry
from distbench.sources import Source, SourceInfo
from distbench.split import split_train
from distbench.stages import VERSIONS
from distbench.suite import Protocol, SuiteDefinition, TaskEntry, Value


def make_plan(config: RunConfig) -> Plan:
    """Plans a run; decodes no image, loads no weights, writes nothing.

    Raises:
        UsageError: A name is unknown, a parameter wrong, or something is missing.
        DataError: A task's data cannot be used.
        WeightsError: Weights are missing or are not what their fingerprint says.
    """
    names = registry(config.plugin)
    suite = find_suite(config, names)
    protocol = config.protocol(suite.protocol)
    methods = _methods(config, suite, names)
    with_sources = any(m.uses_sources for m in methods)
    student = cast(
        Student, names.make("student", config.student or suite.student, base=_base(config, suite))
    )
    student_identity = {
        **identity_of(names, "student", student),
        "weights": student.fingerprint(),
    }
    zoo = find_zoo(config, suite, names) if with_sources else None
    sources = tuple(s.info for s in usable_sources(zoo)) if zoo else ()
    overlap = config.overlap or suite.overlap
    tasks = tuple(
        plan_task(entry, suite, names, protocol, config.skip_corrupt)
        for entry in task_entries(config, suite, names)
    )
    saw = {t.id: overlaps(sources, t.seen_by) for t in tasks}
    excluded = saw if overlap == "exclude" else {t.id: {} for t in tasks}
    marked = saw if overlap == "allow" else {t.id: {} for t in tasks}
    seeds = tuple(range(protocol.seeds))
    keys = _Keys(suite, protocol, student_identity, sources, excluded)
    jobs, cells = _lay_out(tasks, methods, seeds, keys)
    named = config.name or f"{suite.name}-{digest(sorted(c.key for c in cells))[:8]}"
    return Plan(
        name=named,
        suite=suite.name,
        suite_version=suite.version,
        protocol=protocol,
        device=config.device,
        plugin_files=tuple(str(Path(f).resolve()) for f in config.plugin),
        skip_corrupt=config.skip_corrupt,
        save_student=config.save_student if config.save_student is not None else not suite.tasks,
        student=as_table(student),
        student_identity=student_identity,
        zoo=as_table(zoo) if zoo else None,
        zoo_label=zoo.label if zoo else None,
        sources=sources,
        excluded=excluded,
        marked=marked,
        seeds=seeds,
        tasks=tasks,
        methods=methods,
        jobs=jobs,
        cells=cells,
        distributions=names.distributions(),
    )


def find_suite(config: RunConfig, names: Registry) -> SuiteDefinition:
    """The suite that is run: the one named, the default one, or none (``custom``).

    Without ``--suite`` it is the default suite where no task is named or only tasks of it; any
    other task makes a custom run with the default protocol.
    """
    if config.suite is not None:
        if config.suite.endswith(".toml"):
            return SuiteDefinition.from_toml(Path(config.suite))
        return cast(Suite, names.make("suite", config.suite)).definition()
    wanted = {t for t in config.task if isinstance(t, str)}
    default = cast(Suite, names.make("suite", DEFAULT_SUITE)).definition()
    if len(wanted) == len(config.task) and wanted <= {entry.id for entry in default.tasks}:
        return default
    return SuiteDefinition(name="custom", version=1, student=config.student or DEFAULT_STUDENT)


def _base(config: RunConfig, suite: SuiteDefinition) -> Path | None:
    """Relative paths of what the suite names start from its folder."""
    return None if config.student else suite.base


def find_zoo(config: RunConfig, suite: SuiteDefinition, names: Registry) -> Zoo:
    """The zoo of the run.

    Raises:
        UsageError: Neither the run nor its suite names one.
    """
    if config.zoo is not None:
        return cast(Zoo, names.make("zoo", config.zoo))
    if suite.zoo is None:
        raise UsageError(
            "which source models? Name a zoo, e.g. --zoo local:path=my_models "
            "(`distbench list zoos`), or run baselines only with --distiller none"
        )
    return cast(Zoo, names.make("zoo", suite.zoo, base=suite.base))


def usable_sources(zoo: Zoo) -> list[Source]:
    """The sources of a zoo without its generalists, each verified.

    Raises:
        WeightsError: Weights are missing or differ from their fingerprint.
    """
    found = [source for source in zoo.sources() if source.info.role == "source"]
    for source in found:
        source.verify()
    return found


def overlaps(sources: Sequence[SourceInfo], seen_by: Sequence[str]) -> dict[str, str]:
    """Sources whose training data hold images of a task, with the reason."""
    found = {}
    for source in sources:
        shared = sorted(set(source.trained_on) & set(seen_by))
        if shared:
            found[source.name] = f"saw this task: trained on {', '.join(shared)}"
    return found


def task_entries(config: RunConfig, suite: SuiteDefinition, names: Registry) -> list[TaskEntry]:
    """The tasks of the run as suite entries, each with the folder its paths start from."""
    if not config.task:
        return [_based(entry, suite.base) for entry in suite.tasks]
    by_id = {entry.id: entry for entry in suite.tasks}
    entries: list[TaskEntry] = []
    for value in config.task:
        if isinstance(value, str) and value in by_id:
            entries.append(_based(by_id[value], suite.base))
            continue
        table: dict[str, Any] = {"use": value} if isinstance(value, str) else dict(value)
        if "id" not in table:
            bare = {k: v for k, v in table.items() if k != "seen_by"}
            table["id"] = _short_name(names.make("task", bare))
        entries.append(TaskEntry.model_validate(table))
    ids = [entry.id for entry in entries]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise UsageError(f"two tasks are called {twice!r}; give one an id in a configuration file")
    return entries


def _based(entry: TaskEntry, base: Path) -> TaskEntry:
    return TaskEntry.model_validate({**entry.model_dump(), "base": str(base)})


def _short_name(task: Component) -> str:
    """What an ad-hoc task is called: its folder's name, or its specification."""
    paths = [value for _, value in task if isinstance(value, Path)]
    text = paths[0].resolve().name if paths else task.label
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or task.name


def plan_task(
    entry: TaskEntry,
    suite: SuiteDefinition,
    names: Registry,
    protocol: Protocol,
    skip_corrupt: bool,
) -> PlannedTask:
    """Reads a task's index and checks that the protocol can be applied to it.

    Raises:
        DataError: It has one class, or a class without a labelled image, or no test images.
    """
    task = cast(Task, names.make("task", entry.component()))
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
        label=task.label,
        component=as_table(task),
        fingerprint=index.fingerprint,
        classes=index.classes,
        seen_by=tuple(sorted({*entry.seen_by, *index.seen_by})),
        notes=index.notes,
        images_key=images_key,
    )


def suite_component(names: Registry, suite: SuiteDefinition, kind: str, value: Value) -> Component:
    """A component with the suite's settings under what is given explicitly."""
    name = value if isinstance(value, str) else str(value.get("use", ""))
    return names.make(kind, value, defaults=suite.settings.get(name.partition(":")[0], {}))


def _methods(
    config: RunConfig, suite: SuiteDefinition, names: Registry
) -> tuple[PlannedMethod, ...]:
    def made(kind: str, values: Sequence[Any]) -> list[Component]:
        return [suite_component(names, suite, kind, value) for value in values if value != "none"]

    methods: dict[str, PlannedMethod] = {}
    kinds = {
        "distiller": made("distiller", config.distiller),
        "strategy": made("strategy", config.strategy),
        "metric": made("metric", config.metric),
        "baseline": made("baseline", config.baseline),
    }
    for parts in crossed(kinds["distiller"], kinds["strategy"], kinds["metric"], kinds["baseline"]):
        id = _titled(parts, suite)
        methods.setdefault(
            id,
            PlannedMethod(
                id=id,
                role=method_role(parts),
                components={kind: as_table(part) for kind, part in parts.items()},
                identities={kind: identity_of(names, kind, part) for kind, part in parts.items()},
            ),
        )
    if not methods:
        raise UsageError("nothing to run: name a --distiller with --strategy, or a --baseline")
    return tuple(methods.values())


def _titled(parts: Mapping[str, Component], suite: SuiteDefinition) -> str:
    """The row's name; parameters that the suite sets by itself are not repeated in it."""
    plain: dict[str, Component] = {}
    for kind, part in parts.items():
        settings = suite.settings.get(part.name, {})
        fields = part.parameters()
        reset = {
            key: fields[key].get_default(call_default_factory=True)
            for key, value in settings.items()
            if key in fields and not fields[key].is_required() and getattr(part, key) == value
        }
        plain[kind] = part.model_copy(update=reset)
    return method_id(plain)


@dataclass(frozen=True)
class _Keys:
    """Content keys of artifacts and cells: hashes of declared inputs and of nothing else."""

    suite: SuiteDefinition
    protocol: Protocol
    student: dict[str, Any]
    sources: tuple[SourceInfo, ...]
    excluded: dict[str, dict[str, str]]

    def eligible(self, task: PlannedTask) -> list[SourceInfo]:
        return [s for s in self.sources if s.name not in self.excluded[task.id]]

    def score(self, task: PlannedTask, seed: int, metric: dict[str, Any]) -> str:
        used = ("labelled", "validation", "probe_size", "threads")
        return digest(
            {
                "stage": "score",
                "version": VERSIONS["score"],
                "axes": [self.suite.name, task.id, seed],
                "protocol": {k: v for k, v in self.protocol.model_dump().items() if k in used},
                "metric": metric,
                "images": task.images_key,
                "sources": [
                    [s.name, embedding_key(s, task.images_key)] for s in self.eligible(task)
                ],
            }
        )

    def cell(self, common: str, task: PlannedTask, method: PlannedMethod, seed: int) -> str:
        return digest([common, task.images_key, task.id, method.identities, seed])

    def common(self, task: PlannedTask, *, with_sources: bool) -> str:
        """Digest of what all cells of a task share, so that a key costs one small hash."""
        sources = [[s.name, embedding_key(s, task.images_key)] for s in self.eligible(task)]
        return digest(
            {
                "stage": "train",
                "version": VERSIONS["train"],
                "suite": [self.suite.name, self.suite.version],
                "protocol": self.protocol.of_a_cell(),
                "student": self.student,
                "sources": sources if with_sources else [],
            }
        )


def embedding_key(source: SourceInfo, images_key: str, view: str = "test") -> str:
    """Key of a source's embedding of one image set under one view."""
    return digest(
        {
            "stage": "embed",
            "version": VERSIONS["embed"],
            "weights": source.fingerprint,
            "architecture": source.architecture,
            "input": [source.input_size, source.mean, source.std],
            "images": images_key,
            "view": view,
        }
    )


def _lay_out(
    tasks: tuple[PlannedTask, ...],
    methods: tuple[PlannedMethod, ...],
    seeds: tuple[int, ...],
    keys: _Keys,
) -> tuple[tuple[Job, ...], tuple[Cell, ...]]:
    jobs: list[Job] = []
    cells: list[Cell] = []
    metrics = {
        m.components["metric"]["use"] + digest(m.identities["metric"])[:8]: m
        for m in methods
        if "metric" in m.components
    }
    with_sources = any(m.uses_sources for m in methods)
    for task in tasks:
        prepare = Job(f"prepare:{task.id}", "prepare", task.images_key, task.id)
        jobs.append(prepare)
        embeds: list[Job] = []
        for source in keys.eligible(task) if with_sources else ():
            key = embedding_key(source, task.images_key)
            id = f"embed:{task.id}:{source.name}"
            embeds.append(Job(id, "embed", key, task.id, (prepare.id,), source=source.name))
        jobs += embeds
        embed_ids = tuple(job.id for job in embeds)
        commons = {flag: keys.common(task, with_sources=flag) for flag in (True, False)}
        for seed in seeds:
            scores: dict[str, str] = {}
            for name, method in metrics.items():
                key = keys.score(task, seed, method.identities["metric"])
                id = f"score:{task.id}:{seed}:{name}"
                jobs.append(
                    Job(
                        id,
                        "score",
                        key,
                        task.id,
                        embed_ids or (prepare.id,),
                        metric=method.id,
                        seed=seed,
                    )
                )
                scores[digest(method.identities["metric"])] = id
            for method in methods:
                key = keys.cell(commons[method.uses_sources], task, method, seed)
                needs: tuple[str, ...] = (prepare.id,)
                if "metric" in method.identities:
                    needs = (scores[digest(method.identities["metric"])],)
                elif method.uses_sources:
                    needs = embed_ids or needs
                cells.append(
                    Cell(f"{task.id}:{method.id}:{seed}", key, task.id, method.id, seed, needs)
                )
    return tuple(jobs), tuple(cells)


def split_seed(suite: str, task: str, seed: int) -> int:
    """The seed that draws the parts of a task; the method has no part in it."""
    return seed_for(suite, task, seed, "split")
