"""The methods of a run: the rows of its leaderboard, planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from distbench.component import Component
from distbench.components import Distiller, Metric, Task
from distbench.config import RunConfig
from distbench.crossing import crossed, method_id, method_role
from distbench.errors import DataError, UsageError
from distbench.identity import digest
from distbench.plan import PlannedMethod, PlannedTask
from distbench.planned import as_table, identity_of
from distbench.plugins import Registry
from distbench.resolve import suite_component, suite_components
from distbench.stages import VERSIONS
from distbench.suite import Protocol, SuiteDefinition


def plan_methods(
    config: RunConfig, suite: SuiteDefinition, names: Registry, protocol: Protocol
) -> tuple[PlannedMethod, ...]:
    """The methods of a run, each with its name and the identities of its components."""
    methods: dict[str, PlannedMethod] = {}
    kinds = {
        kind: suite_components(config, names, suite, kind)
        for kind in ("distiller", "strategy", "metric", "baseline")
    }
    for parts in crossed(kinds["distiller"], kinds["strategy"], kinds["metric"], kinds["baseline"]):
        method = planned_method(parts, suite, names, protocol, config.skip_corrupt)
        known = methods.setdefault(method.id, method)
        if known.transfer != method.transfer:  # two folders of one name
            method = replace(method, id=method_id(parts, suite.settings, whole_paths=True))
            methods.setdefault(method.id, method)
    if not methods:
        raise UsageError("nothing to run: name a --distiller with --strategy, or a --baseline")
    return tuple(methods.values())


def planned_method(
    parts: Mapping[str, Component],
    suite: SuiteDefinition,
    names: Registry,
    protocol: Protocol,
    skip_corrupt: bool = False,
) -> PlannedMethod:
    """A method of these components, by kind."""
    distiller = parts.get("distiller")
    wanted = distiller.transfer_set() if isinstance(distiller, Distiller) else None
    return PlannedMethod(
        id=method_id(parts, suite.settings),
        role=method_role(parts),
        components={kind: as_table(part) for kind, part in parts.items()},
        identities={kind: identity_of(names, kind, part) for kind, part in parts.items()},
        needs=tuple(sorted({need for part in parts.values() for need in _needs(part)})),
        generalist=isinstance(distiller, Distiller) and distiller.learns_from == "generalist",
        transfer=plan_images(wanted.images, names, protocol, skip_corrupt) if wanted else None,
        encoder=wanted.encoder if wanted and wanted.budget else None,
    )


def plan_images(
    images: Task, names: Registry, protocol: Protocol, skip_corrupt: bool
) -> PlannedTask:
    """A transfer set or gallery, as a task without classes.

    Raises:
        DataError: It has no images.
    """
    index = images.index()
    if not len(index.parts["train"]):
        raise DataError(f"{images.label!r} has no images to distil on")
    key = images_key(images, index.fingerprint, names, protocol, skip_corrupt)
    return PlannedTask(
        id=f"transfer-{key[:12]}",
        label=images.typed(whole_paths=False),
        component=as_table(images),
        fingerprint=index.fingerprint,
        classes=(),
        seen_by=index.seen_by,
        notes=index.notes,
        images_key=key,
    )


def images_key(
    task: Task, fingerprint: str, names: Registry, protocol: Protocol, skip_corrupt: bool
) -> str:
    """Key of the decoded images of a task."""
    return digest(
        {
            "stage": "prepare",
            "version": VERSIONS["prepare"],
            "data": fingerprint,
            "store_size": protocol.store_size,
            "skip_corrupt": skip_corrupt,
            **names.provenance("task", task.name),
        }
    )


def _needs(part: Component) -> frozenset[str]:
    """What a component of a method needs of a source."""
    if isinstance(part, Metric):
        return part.needed()
    return part.needs if isinstance(part, Distiller) else frozenset()


def plan_reference(
    methods: tuple[PlannedMethod, ...],
    suite: SuiteDefinition,
    names: Registry,
    protocol: Protocol,
) -> PlannedMethod | None:
    """How the reference model is trained, where the metric of a method needs one."""
    if not any("reference" in method.needs for method in methods):
        return None
    baseline = suite_component(names, suite, "baseline", suite.reference, suite.base)
    return planned_method({"baseline": baseline}, suite, names, protocol)
