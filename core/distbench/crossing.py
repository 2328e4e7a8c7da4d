"""From components to methods: the rows of a leaderboard, their names and roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distbench.component import Component
from distbench.suite import settings_of

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
