"""How many sources count under a strategy's weights, and whether the worst one decides that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from distbench.engine.ranking import Comparison
from distbench.engine.stages.score import Scores
from distbench.engine.stages.weigh import weigh
from distbench.errors import Declined, PluginError
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import SourceInfo
from distbench.leaderboard.analysis.source_weights import effective_number
from distbench.planning.plan import Plan
from distbench.plugins.registry import Registry
from distbench.storage.rows import Row

_TIMES = 2.0
"""How many times more sources in effect are owed to the worst one before it is said."""


def in_effect(weights: Mapping[str, float]) -> float:
    """Effective number of sources, ``1 / sum(w^2)``: 1 for one, s where s share equally."""
    return float(effective_number([*weights.values()]))


def flattened(
    strategy: Strategy,
    sources: Sequence[SourceInfo],
    scores: Mapping[str, float],
    weights: Mapping[str, float],
) -> str | None:
    """A warning where the source of the lowest score makes the weights of the others alike.

    The rule: more than twice as many sources are in effect as without that one. A source that is
    no use should take no part; where weights come from the distance to the worst score, a broken
    one stretches the scale so far that all others look the same (26.6 of 28 sources in effect
    instead of 1.1 was measured). The rule looks at that effect and not at the scores, so it holds
    for every strategy and scale: it is silent where ranks are weighed, where weights are sharp or
    even anyway, and for three sources or fewer, of which the worst can be thought away as well as
    the best. A factor of two is far above what leaving out one of many sound sources changes.

    Args:
        strategy: What gave the weights, from the scores alone.
        sources: Those that were weighed.
        scores: Of each, by name.
        weights: Of each, by name.
    """
    if len(scores) < 2:
        return None
    worst = min(scores, key=scores.__getitem__)
    others = {name: score for name, score in scores.items() if name != worst}
    kept = [source for source in sources if source.name in others]
    try:
        left = weigh(strategy, kept, Scores(values=others, excluded={}))
    except (Declined, PluginError):  # a strategy that cannot do without that one
        return None
    now, without = in_effect(weights), in_effect(left)
    if now <= _TIMES * without:
        return None
    return (
        f"{strategy.label} gives weight to {now:.1f} sources in effect, {without:.1f} without "
        f"{worst}, whose score of {scores[worst]:.4g} is so far below the others that they look "
        "alike; leave it out of the zoo, or take normalise=rank where the strategy has it"
    )


def of_rankings(comparison: Comparison, strategy: Strategy) -> Iterator[str]:
    """Warnings on the rankings of `distbench rank`, one for each metric that has one."""
    for ranking in comparison.rankings:
        infos = [ranked.source for ranked in ranking.sources]
        if text := flattened(strategy, infos, ranking.scores, ranking.weights):
            yield f"{ranking.metric}: {text}"


def of_rows(plan: Plan, rows: Sequence[Row], names: Registry) -> Iterator[str]:
    """Warnings on the weights of a run, one for each method and task.

    A strategy that looks at more than scores is not asked: it would not give these weights again.
    """
    strategies: dict[str, Strategy] = {}
    warned: set[tuple[str, str]] = set()
    for row in rows:
        where = (row.method.id, row.task.id)
        if row.result is None or not row.result.sources.scores or where in warned:
            continue
        method = plan.method(row.method.id)
        if method.id not in strategies:
            strategies[method.id] = names.make("strategy", method.components["strategy"])
        strategy, block = strategies[method.id], row.result.sources
        scores = {name: s for name, s in block.scores.items() if name in block.weights}
        infos = [source for source in plan.sources if source.name in scores]
        try:
            again = weigh(strategy, infos, Scores(values=scores, excluded={}))
        except (Declined, PluginError):
            continue
        if not np.allclose([*again.values()], [block.weights[name] for name in again]):
            continue
        if text := flattened(strategy, infos, scores, block.weights):
            warned.add(where)
            yield f"{row.method.id} on {row.task.id}: {text}"
