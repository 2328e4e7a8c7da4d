"""Components crossed to methods: the rows of a leaderboard, their names and roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distbench.interfaces.component import Component
from distbench.interfaces.method import Distiller
from distbench.interfaces.metric import Metric
from distbench.interfaces.parameters import Range
from distbench.interfaces.suite import METHOD_KINDS, settings_of
from distbench.interfaces.task import Task
from distbench.plugins.component_identity import Identified


@dataclass(frozen=True)
class ResolvedMethod:
    """A method of a run.

    Attributes:
        parts: Kind to component.
        images: The images of its transfer set, where its distiller has one.
    """

    parts: Mapping[str, Identified[Component]]
    images: Identified[Task] | None = None

    @property
    def components(self) -> dict[str, Component]:
        """Kind to component, without what is known of them."""
        return {kind: part.component for kind, part in self.parts.items()}


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
        for kind in METHOD_KINDS
        if kind in parts
    )


def method_role(parts: Mapping[str, Component]) -> str:
    """A method is ranked only where each of its components is."""
    roles = [part.role for part in parts.values()]
    return next((r for r in ("ceiling", "control") if r in roles), "ranked")


def method_needs(parts: Iterable[Component]) -> tuple[str, ...]:
    """What the metric and the distiller of a method need of a source, sorted."""
    needs: set[str] = set()
    for part in parts:
        if isinstance(part, Metric):
            needs.update(part.needed())
        elif isinstance(part, Distiller):
            needs.update(part.needs)
    return tuple(sorted(needs))


def is_untuned(parts: Mapping[str, Component], settings: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a method's distiller or baseline has its declared defaults and nobody chose them.

    So it is where neither the suite's settings nor the user name a parameter that `tune` searches.
    A component of which nothing is searched needs none.

    Args:
        parts: Kind to component.
        settings: The suite's parameters by component.
    """
    kind = "distiller" if "distiller" in parts else "baseline"
    part = parts[kind]
    searched = {key: f for key, f in part.parameters().items() if Range.of(f) is not None}
    if not searched or searched.keys() & settings_of(settings, kind, part.name).keys():
        return False
    names = {field.alias or name: name for name, field in type(part).model_fields.items()}
    return all(getattr(part, names[key]) == field.default for key, field in searched.items())


def crossed(
    distillers: Sequence[Component],
    strategies: Sequence[Component],
    metrics: Sequence[Component],
    baselines: Sequence[Component],
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
