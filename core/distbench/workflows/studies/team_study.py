"""Teams of sources in a study: which are tried, and what metrics say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from distbench.errors import Declined, UsageError
from distbench.interfaces.calls import naming
from distbench.interfaces.metric import SetMetric
from distbench.leaderboard.analysis.trials import LEAST, ByCell
from distbench.storage.hashing import seed_for

if TYPE_CHECKING:
    from distbench.interfaces.probe import Probe
    from distbench.planning.plan import Plan
    from distbench.plugins.registry import Registry

Team = tuple[str, ...]

_ALL = 100_000
"""Teams that are listed to draw from; of more, members are drawn."""


@dataclass(frozen=True)
class Teams:
    """Which teams a study tries.

    Attributes:
        count: How many; all where there are fewer.
        size: Members of each.
    """

    count: int
    size: int = 3


def drawn_teams(sources: Sequence[str], teams: Teams, suite: str) -> list[Team]:
    """Teams drawn at random, each once, the same for every task; members by name.

    Args:
        sources: Of the zoo.
        teams: How many and how large.
        suite: Its name, from which the draw follows.

    Raises:
        UsageError: There are not enough teams of that size to compare.
    """
    names = sorted(sources)
    there = comb(len(names), teams.size)
    if teams.size < 2 or min(teams.count, there) < LEAST:
        raise UsageError(
            f"{teams.count} teams of {teams.size} of {len(names)} sources will not do: a study "
            f"compares {LEAST} teams or more, each of 2 sources or more"
        )
    draw = np.random.default_rng(seed_for(suite, "teams"))
    if there <= _ALL:
        every = list(combinations(names, teams.size))
        return [every[i] for i in np.sort(draw.permutation(there)[: teams.count])]
    found: set[Team] = set()
    while len(found) < teams.count:
        found.add(tuple(sorted(draw.choice(names, teams.size, replace=False).tolist())))
    return sorted(found)


def team_label(members: Sequence[str]) -> str:
    """What a team is called: its members by name."""
    return "+".join(sorted(members))


def with_team_metrics(
    metrics: tuple[str | dict[str, Any], ...], names: Registry
) -> tuple[str | dict[str, Any], ...]:
    """The metrics that are asked for; where that is ``all``, those of teams along with them."""
    if metrics != ("all",):
        return metrics
    of_teams = (n for n in names.names("metric") if issubclass(names.load("metric", n), SetMetric))
    return ("all", *of_teams)


def team_scores(
    plan: Plan, teams: Sequence[Team], alone: Mapping[str, ByCell]
) -> tuple[dict[str, ByCell], tuple[str, ...]]:
    """What every metric says of every team, by task and seed; teams are left out that it declines.

    A metric of teams is asked for each; of any other it is the mean of its scores of the members.

    Args:
        plan: Its methods name the metrics; images and embeddings are at hand.
        teams: The teams.
        alone: Metric to what it said of single sources.

    Returns:
        The scores by the teams' labels, and what a person should know.
    """
    from threadpoolctl import threadpool_limits

    from distbench.engine.scores import probes_for
    from distbench.engine.workspace import Workspace

    work = Workspace(plan)
    methods = {method.id: method for method in plan.methods}
    tasks = {task.id: task for task in plan.tasks}
    scores: dict[str, dict[tuple[str, int], dict[str, float]]] = {metric: {} for metric in alone}
    warnings: dict[str, None] = {}
    with threadpool_limits(plan.protocol.threads):
        for cell in plan.cells:
            method, at = methods[cell.method], (cell.task, cell.seed)
            label = cell.method.split("/", 2)[-1]
            single = alone[label].get(at, {})
            scored = [team for team in teams if single.keys() >= {*team}]
            metric = work.names.make("metric", method.components["metric"])
            if not isinstance(metric, SetMetric):
                means = {team_label(t): float(np.mean([single[n] for n in t])) for t in scored}
                scores[label][at] = means
                continue
            probes = probes_for(work, tasks[cell.task], method, cell.seed) if scored else []
            scores[label][at], reasons = _asked(metric, scored, probes)
            warnings |= {f"{label} on {cell.task}: {reason}": None for reason in reasons}
    return {metric: scores[metric] for metric in alone}, tuple(warnings)


def _asked(
    metric: SetMetric, teams: Sequence[Team], probes: Sequence[Probe]
) -> tuple[dict[str, float], list[str]]:
    """What a metric of teams says of some, and why it says nothing of the others."""
    by_name = {probe.source.name: probe for probe in probes}
    scores: dict[str, float] = {}
    reasons = []
    for team in teams:
        try:
            with naming(metric.name, "score_set"):
                score = float(metric.score_set([by_name[name] for name in team]))
        except Declined as declined:
            reasons.append(declined.reason)
        else:
            scores[team_label(team)] = score
    return scores, reasons
