"""From components to methods: the rows of a leaderboard, their names and roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distbench.component import Component

_ORDER = ("distiller", "strategy", "metric", "baseline")


def method_id(parts: Mapping[str, Component], settings: Mapping[str, Mapping[str, Any]]) -> str:
    """Name of a leaderboard row, e.g. ``pseudo_labels/weighted:12/logme``.

    Args:
        parts: Kind to component.
        settings: The suite's parameters by component, which go without saying.
    """
    found = (parts[kind] for kind in _ORDER if kind in parts)
    return "/".join(part.typed(settings.get(part.name)) for part in found)


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
    """All methods: distillers x strategies x metrics, those without scores once, and baselines."""
    for distiller in distillers:
        for strategy in strategies:
            if not getattr(strategy, "needs_scores", True):
                yield {"distiller": distiller, "strategy": strategy}
                continue
            for metric in metrics:
                yield {"distiller": distiller, "strategy": strategy, "metric": metric}
    for baseline in baselines:
        yield {"baseline": baseline}
