"""From components to methods: the rows of a leaderboard, their names and roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from distbench.errors import DataError, UsageError
from distbench.interfaces.component import Component
from distbench.interfaces.method import Distiller
from distbench.interfaces.metric import Metric
from distbench.interfaces.suite import Protocol, SuiteDefinition, settings_of
from distbench.interfaces.task import Task
from distbench.planning.config import RunConfig
from distbench.planning.keys import images_key
from distbench.planning.plan import PlannedMethod, PlannedTask
from distbench.planning.resolve import suite_component, suite_components
from distbench.plugins.component_identity import as_table, identity_of
from distbench.plugins.registry import Registry

_ORDER = ("distiller", "strategy", "metric", "baseline")


def method_id(
    parts: Mapping[str, Component],
    settings: Mapping[str, Mapping[str, Any]],
    *,
    whole_paths: bool = False,
) -> str:
    """Name of a leaderboard row, e.g. ``pseudo_labels/weighted:12/logme``.

    Args:
        parts: Kind to component.
        settings: The suite's parameters by component, which go without saying.
        whole_paths: True to write more than the last name of a path.
    """
    return "/".join(
        parts[kind].typed(settings_of(settings, kind, parts[kind].name), whole_paths=whole_paths)
        for kind in _ORDER
        if kind in parts
    )


def method_role(parts: Mapping[str, Component]) -> str:
    """A method is ranked only where each of its components is."""
    roles = [part.role for part in parts.values()]
    return next((r for r in ("ceiling", "control") if r in roles), "ranked")


def crossed(
    distillers: list[Component],
    strategies: list[Component],
    metrics: list[Component],
    baselines: list[Component],
) -> Iterator[dict[str, Component]]:
    """All methods: distillers x strategies x metrics, and baselines.

    What needs no scores, or no strategy since it learns from one generalist, counts once.
    """
    for distiller in distillers:
        if getattr(distiller, "learns_from", "weighted") == "generalist":
            yield {"distiller": distiller}
            continue
        for strategy in strategies:
            if not getattr(strategy, "needs_scores", True):
                yield {"distiller": distiller, "strategy": strategy}
                continue
            for metric in metrics:
                yield {"distiller": distiller, "strategy": strategy, "metric": metric}
    for baseline in baselines:
        yield {"baseline": baseline}


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
