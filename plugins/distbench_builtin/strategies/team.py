"""The best team of a few sources, by a metric of teams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb
from typing import ClassVar

import numpy as np
from pydantic import Field

from distbench import Context, Declined, Probe, SetMetric, Strategy, Surroundings, primary
from distbench_builtin.strategies._score_scaling import Sources, Vector

_MOST = 20_000
"""Teams that are all tried; of more, members are added one by one."""
_GIVEN = {"features", "logits", "source_info", "zoo", "context"}


class Team(Strategy):
    """The team of `size` sources with the best score by a metric of teams, each weighted alike.

    Scores of single sources say nothing of what two of them have in common. The question is that of
    Agostinelli et al., "Transferability Metrics for Selecting Source Model Ensembles", CVPR 2022;
    that it weighs sources to learn from is ours. All teams are tried where there are 20,000 at
    most; else the best source is taken, then whichever adds most. The metric sees the labelled
    images, at most as many as a probe has.
    """

    needs_scores: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ("team:e_leep", "team:e_leep:size=2")

    by: SetMetric = primary(description="metric of teams, e.g. e_leep, ms_leep or osborn")
    size: int = Field(3, ge=1, description="members; all sources where there are fewer")

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """1 / size for each member, 0 for the others.

        Raises:
            Declined: There is no context, or the metric is defined for no source.
        """
        if context is None:
            raise Declined("teams are chosen by what sources say of labelled images; name a task")
        if wanted := sorted(self.by.needed() - _GIVEN):
            raise Declined(f"{self.by.label} needs {wanted[0]}, which no strategy is given")
        if context.several and "several" not in self.by.kinds:
            raise Declined(
                f"{self.by.label} needs images of one class each; these may show several"
            )
        probes = self._probes(sources, context)
        members = best_team(
            list(probes), self.size, lambda t: self.by.score_set([probes[i] for i in t])
        )
        weights = np.zeros(len(sources))
        weights[list(members)] = 1 / len(members)
        return weights

    def _probes(self, sources: Sources, context: Context) -> dict[int, Probe]:
        """The probe of each source for which the metric is defined, by its number."""
        rng = np.random.default_rng(context.seed_for("team"))
        rows = np.sort(rng.permutation(context.labelled)[: context.protocol.probe_size])
        labels = context.labels[rows]
        probes, reason = {}, "there is none"
        for number, source in enumerate(sources):
            embedding = context.embedding(source.name)
            probe = Probe(
                labels,
                features=np.asarray(embedding.features[rows]),
                logits=np.asarray(embedding.logits[rows]) if source.num_classes else None,
                source=source,
                seed=context.seed_for("metric"),
                around=Surroundings(context=context, positions=rows),
            )
            try:
                self.by.score_set([probe])
            except Declined as declined:
                reason = declined.reason
            else:
                probes[number] = probe
        if not probes:
            raise Declined(f"{self.by.label} is defined for no source: {reason}")
        return probes


def best_team(
    numbers: Sequence[int], size: int, score: Callable[[Sequence[int]], float]
) -> tuple[int, ...]:
    """The team with the highest score; of equal ones the first.

    Args:
        numbers: Who may be in it.
        size: Members; all where there are fewer.
        score: Of a team.
    """
    size = min(size, len(numbers))
    if comb(len(numbers), size) <= _MOST:
        return max(combinations(numbers, size), key=score)
    chosen: tuple[int, ...] = ()
    for _ in range(size):
        chosen = max(((*chosen, n) for n in numbers if n not in chosen), key=score)
    return chosen
