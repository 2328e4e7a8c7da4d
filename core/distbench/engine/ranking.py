"""Sources by score, under one metric or several, with the weights that a strategy gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import DataError, Declined, PluginError
from distbench.interfaces.calls import writes
from distbench.interfaces.context import Context
from distbench.interfaces.metric import Metric
from distbench.interfaces.probe import Probe
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import SourceInfo
from distbench.storage.frames import Tabular


@dataclass(frozen=True)
class Ranked:
    """One source's place: its score under the metric and its weight under the strategy."""

    source: SourceInfo
    score: float
    weight: float


@dataclass(frozen=True, repr=False)
class Ranking(Tabular):
    """The sources of a zoo for one task under one metric, best first; a table in a notebook.

    Attributes:
        task: Id of the task.
        metric: The metric as one would type it.
        strategy: The strategy as one would type it.
        probe: Number of images that were scored on.
        sources: Scored sources, best first.
        excluded: Source to reason.
        marked: Sources kept although they saw the task, with the reason.
        declined: Why the strategy weighs no source, where it declines.
        failed: What the metric or the strategy raised instead of answering.
    """

    task: str
    metric: str
    strategy: str
    probe: int
    sources: tuple[Ranked, ...]
    excluded: dict[str, str] = field(default_factory=dict)
    marked: dict[str, str] = field(default_factory=dict)
    declined: str | None = None
    failed: PluginError | None = None

    def records(self) -> Iterator[dict[str, Any]]:
        """A line for each scored source, best first."""
        places = self.places
        for ranked in self.sources:
            info = ranked.source
            yield {
                "source": info.name,
                "metric": self.metric,
                "score": ranked.score,
                "place": places[info.name],
                "weight": ranked.weight,
                "architecture": info.architecture,
                "domain": info.domain,
                "trained_on": ", ".join(info.trained_on),
                "parameters": info.parameters,
                "macs": info.macs,
            }

    @property
    def scores(self) -> dict[str, float]:
        """Score by source, best first."""
        return {ranked.source.name: ranked.score for ranked in self.sources}

    @property
    def weights(self) -> dict[str, float]:
        """Weight by source, best score first."""
        return {ranked.source.name: ranked.weight for ranked in self.sources}

    @property
    def places(self) -> dict[str, float]:
        """Place by source, 1 for the best; equal scores share the mean of their places."""
        from scipy.stats import rankdata

        places = rankdata([-ranked.score for ranked in self.sources])
        return {r.source.name: float(p) for r, p in zip(self.sources, places, strict=True)}


@dataclass(frozen=True, repr=False)
class Comparison(Tabular):
    """The sources of a zoo for one task under several metrics; a table in a notebook.

    Attributes:
        rankings: One for each metric; without sources where the metric could score none.
        notes: What a reader should know of the task's data.
        warnings: What a reader should know of scores and weights, one line each.
    """

    rankings: tuple[Ranking, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """A line for each metric and source, ranking by ranking."""
        for ranking in self.rankings:
            yield from ranking.records()

    def __getitem__(self, metric: str) -> Ranking:
        for ranking in self.rankings:
            if ranking.metric == metric:
                return ranking
        raise KeyError(metric)

    def only(self) -> Ranking:
        """The ranking by the one metric.

        Raises:
            PluginError: The metric or the strategy failed.
            DataError: It could score no source, or there was none.
        """
        (ranking,) = self.rankings
        if ranking.failed is not None:
            raise ranking.failed
        if not ranking.sources and ranking.declined is not None:
            raise DataError(f"{ranking.strategy} declines on {ranking.task!r}: {ranking.declined}")
        if not ranking.sources:
            reasons = sorted(set(ranking.excluded.values())) or ["there is none"]
            raise DataError(
                f"no source can be ranked for {ranking.task!r} by {ranking.metric}: "
                f"{'; '.join(reasons)}"
            )
        return ranking

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics as one would type them."""
        return tuple(ranking.metric for ranking in self.rankings)

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources that a metric scored, by mean place."""
        places: dict[str, list[float]] = {}
        for ranking in self.rankings:
            for name, rank in ranking.places.items():
                places.setdefault(name, []).append(rank)
        return tuple(sorted(places, key=lambda name: (float(np.mean(places[name])), name)))

    def agreement(self) -> NDArray[np.float64]:
        """Kendall's tau-b (k, k) between the scores of metrics.

        NaN where two metrics scored fewer than two sources in common, or one gave all of them the
        same score.
        """
        from scipy.stats import kendalltau

        tau = np.full((len(self.rankings),) * 2, np.nan)
        for i, first in enumerate(self.rankings):
            for j, second in enumerate(self.rankings):
                shared = sorted(first.scores.keys() & second.scores.keys())
                pairs = [[r.scores[name] for name in shared] for r in (first, second)]
                if min(len(set(scores)) for scores in pairs) > 1:
                    tau[i, j] = kendalltau(*pairs).statistic
        return tau


def rank_probes(
    task: str,
    metrics: Sequence[Metric],
    strategy: Strategy,
    probes: Sequence[Probe],
    excluded: Mapping[str, Mapping[str, str]] | None = None,
    marked: Mapping[str, str] | None = None,
    context: Callable[[], Context] | None = None,
) -> Comparison:
    """Ranks sources by their probes.

    Args:
        task: What to call the task.
        metrics: The metrics.
        strategy: Gives the weights.
        probes: One for each source.
        excluded: For each metric, by label, sources that it must not score, with reasons.
        marked: Sources kept although they saw the task.
        context: Makes what a strategy may look at besides the scores. It is asked for where one
            declines without, since images beyond the probe go through the sources then.

    Returns:
        A ranking for each metric; one that fails, or whose strategy does, has no sources and says
        why, and the others go on.

    Raises:
        PluginError: A metric changes what the next one would see.
    """
    from distbench.engine.stages.score import intact

    rankings = []
    for metric in metrics:
        out = dict((excluded or {}).get(metric.label, {}))
        blank = Ranking(
            task=task,
            metric=metric.label,
            strategy=strategy.label,
            probe=len(probes[0].labels) if probes else 0,
            sources=(),
            excluded=out,
            marked=dict(marked or {}),
        )
        allowed = [probe for probe in probes if probe.source.name not in out]
        try:
            rankings.append(_ranked(blank, metric, strategy, allowed, context))
        except PluginError as error:
            rankings.append(replace(blank, failed=error))
            if not intact(allowed):
                raise writes(metric.name) from error
    return Comparison(tuple(rankings))


def _ranked(
    blank: Ranking,
    metric: Metric,
    strategy: Strategy,
    probes: Sequence[Probe],
    context: Callable[[], Context] | None,
) -> Ranking:
    """A ranking filled in."""
    from distbench.engine.stages.score import score
    from distbench.engine.stages.weigh import weigh

    scores = score(metric, probes)
    blank = replace(blank, excluded=blank.excluded | scores.excluded)
    infos = [p.source for p in probes if p.source.name in scores.values]
    if not infos:
        return blank
    try:
        weights = weigh(strategy, infos, scores)
    except Declined as declined:
        if context is None:
            return replace(blank, declined=declined.reason)
        try:
            weights = weigh(strategy, infos, scores, context())
        except Declined as again:
            return replace(blank, declined=again.reason)
    ranked = [Ranked(i, scores.values[i.name], weights[i.name]) for i in infos]
    return replace(blank, sources=tuple(sorted(ranked, key=lambda r: -r.score)))
