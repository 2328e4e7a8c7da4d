"""Makes the plan of a run: resolved names, read data, eligible sources, keys, jobs and cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from distbench.errors import UsageError
from distbench.interfaces.calls import instance, naming
from distbench.interfaces.component import Component
from distbench.interfaces.method import Distiller, Method
from distbench.interfaces.zoo import SourceInfo
from distbench.planning.config import RunConfig
from distbench.planning.eligibility import Eligibility, sources_that_saw
from distbench.planning.jobs import lay_out
from distbench.planning.keys import Keys
from distbench.planning.kinds import declined_methods
from distbench.planning.methods import (
    ResolvedMethod,
    is_untuned,
    method_id,
    method_needs,
    method_role,
)
from distbench.planning.plan import Plan, PlannedMethod
from distbench.planning.resolve import ResolvedRun, transfer_of
from distbench.planning.tasks import plan_images, plan_task, with_student_note
from distbench.plugins.component_identity import as_table, plugin_digests
from distbench.storage.hashing import canonical_json, digest


def make_plan(config: RunConfig) -> Plan:
    """Plans a run; decodes no image, loads no weights, writes nothing.

    Raises:
        UsageError: A name is unknown, a parameter wrong, or something is missing.
        DataError: A task's data cannot be used.
        WeightsError: Weights are missing or are not what their fingerprint says.
    """
    run = ResolvedRun(config)
    suite, protocol = run.suite, run.protocol
    methods = plan_methods(run)
    student = run.student.component
    if not run.tasks:
        raise UsageError(f"suite {suite.name!r} has no tasks, and no --task is given")
    tasks = tuple(plan_task(task, protocol, config.skip_corrupt) for task in run.tasks)
    zoo = run.zoo if any(m.uses_sources for m in methods) else None
    tasks = tuple(with_student_note(task, student, run.names.held_by) for task in tasks)
    with naming(student.name, "fingerprint"):
        weights = instance(student.name, "fingerprint", student.fingerprint(), str)
        canonical_json(weights)
    student_identity = {**run.student.identity, "weights": weights}
    sources = tuple(source.info for source in run.sources.values()) if zoo else ()
    generalist = run.generalist if any(m.generalist for m in methods) else None
    encoders = run.encoders({m.encoder for m in methods if m.encoder}) if zoo else {}
    named = {s.name: s for s in (*sources, generalist, *encoders.values()) if s}.values()
    excluded, marked = sources_that_saw(tasks, tuple(named), run.overlap, run.names.held_by)
    reference = (
        plan_method(run.reference, run)
        if any("reference" in method.needs for method in methods)
        else None
    )
    keys = Keys(
        suite=suite,
        protocol=protocol,
        student=student_identity,
        zoo=zoo.provenance if zoo else {},
        eligibility=Eligibility(sources, generalist, excluded, marked),
        reference=reference,
        encoders=encoders,
    )
    seeds = tuple(range(config.first_seed, config.first_seed + protocol.seeds))
    declined = declined_methods(tasks, methods, reference, run.names)
    jobs, cells = lay_out(tasks, methods, seeds, keys, declined)
    scored = any("metric" in method.components for method in methods)
    note, warning = run.metric_remarks() if scored else (None, None)
    return Plan(
        name=config.name or f"{suite.name}-{digest(sorted(c.key for c in cells))[:8]}",
        suite=suite.name,
        suite_version=suite.version,
        protocol=protocol,
        device=config.device,
        plugin_files=plugin_digests(config.plugin),
        skip_corrupt=config.skip_corrupt,
        save_student=config.save_student if config.save_student is not None else not suite.tasks,
        student=as_table(student),
        student_identity=student_identity,
        zoo=as_table(zoo.component) if zoo else None,
        zoo_identity=_zoo_identity(zoo.component.name, sources) if zoo else None,
        zoo_provenance=zoo.provenance if zoo else {},
        sources=sources,
        generalist=generalist,
        encoders=tuple(encoders.values()),
        reference=reference,
        excluded=excluded,
        marked=marked,
        declined=declined,
        seeds=seeds,
        tasks=tasks,
        methods=methods,
        jobs=jobs,
        cells=cells,
        distributions=run.names.distributions(),
        notes=tuple(filter(None, (run.quick_note(), run.protocol_note(), note))),
        warnings=(warning,) if warning else (),
    )


def plan_methods(run: ResolvedRun) -> tuple[PlannedMethod, ...]:
    """The methods of a run, each with its name and the identities of its components."""
    methods: dict[str, PlannedMethod] = {}
    for resolved in run.methods:
        method = plan_method(resolved, run)
        known = methods.setdefault(method.id, method)
        if known.transfer != method.transfer:  # two folders of one name
            settings = run.suite.settings
            method = replace(method, id=method_id(resolved.components, settings, whole_paths=True))
            methods.setdefault(method.id, method)
    return tuple(methods.values())


def plan_method(method: ResolvedMethod, run: ResolvedRun) -> PlannedMethod:
    """A method as a plan keeps it; its transfer set is read."""
    parts = method.components
    distiller = parts.get("distiller")
    wanted = transfer_of(distiller)
    skip_corrupt = run.config.skip_corrupt
    return PlannedMethod(
        id=method_id(parts, run.suite.settings),
        role=method_role(parts),
        components={kind: as_table(part) for kind, part in parts.items()},
        identities={kind: part.identity for kind, part in method.parts.items()},
        needs=method_needs(parts.values()),
        generalist=isinstance(distiller, Distiller) and distiller.learns_from == "generalist",
        transfer=plan_images(method.images, run.protocol, skip_corrupt) if method.images else None,
        retrieves=wanted is not None and wanted.budget is not None,
        encoder=wanted.encoder if wanted and wanted.budget else None,
        untuned=is_untuned(parts, run.suite.settings),
        step_images=_step_images(parts, run.protocol.batch),
    )


def _step_images(parts: Mapping[str, Component], batch: int) -> float:
    learner = parts.get("distiller") or parts["baseline"]
    if not isinstance(learner, Method):
        return 0
    with naming(learner.name, "step_images"):
        return float(learner.step_images(batch))


def _zoo_identity(name: str, sources: tuple[SourceInfo, ...]) -> str:
    """A zoo's name and what is in it, the same wherever it lies."""
    return f"{name}@{digest([s.model_dump(exclude={'licence'}) for s in sources])[:12]}"
