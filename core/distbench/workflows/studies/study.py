"""Does a metric find the right source, or team? Its scores against what each of them leads to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic_core import from_json

from distbench.engine.execute import execute_cells
from distbench.errors import DataError, UnknownNameError, UsageError
from distbench.interfaces.execution.unit import Outcome
from distbench.interfaces.progress import Progress, silent
from distbench.leaderboard.analysis.metric_quality import MetricLine, judge
from distbench.leaderboard.analysis.trials import ByCell
from distbench.leaderboard.figures.study import write_study
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.registry import registry
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.atomic import write_atomic
from distbench.storage.home import home
from distbench.submission.study_scores import SOURCES, STUDY
from distbench.workflows.run import execute
from distbench.workflows.run_result import RunResult
from distbench.workflows.studies.team_study import (
    Teams,
    drawn_teams,
    team_label,
    team_scores,
    with_team_metrics,
)

ORACLES: Mapping[str, str] = {
    "distil": "pseudo_labels",
    "probe": "probe_source",
    "finetune": "finetune_source",
}
"""What `--oracle` may say besides the specification of a distiller."""


@dataclass(frozen=True)
class MetricStudy:
    """What a study leaves behind.

    Attributes:
        folder: ``runs/NAME``, with tables, pictures and the run of all single sources, or teams.
        oracle: The distiller by which they were tried.
        run: That run.
        reached: (task, seed) to source, or team, to the test accuracy that it led to.
        scores: Metric to (task, seed) to source, or team, to score.
        made_by: Metric to its identity as a component, and (task, seed) to the key of its scores.
        lines: The metrics, judged.
        warnings: What a person should know.
        unscored: Jobs of metrics that failed.
    """

    folder: Path
    oracle: str
    run: RunResult
    reached: ByCell
    scores: Mapping[str, ByCell]
    made_by: Mapping[str, Mapping[str, Any]]
    lines: Sequence[MetricLine]
    warnings: tuple[str, ...]
    unscored: int = 0
    team_size: int = 1

    @property
    def tried(self) -> Literal["source", "team"]:
        """What was learnt from."""
        return "team" if self.team_size > 1 else "source"

    @property
    def exit_code(self) -> int:
        """That of its run; 1 where a metric failed."""
        return self.run.exit_code or int(self.unscored > 0)


def study(
    config: RunConfig,
    *,
    oracle: str = "distil",
    reference: str | None = None,
    teams: Teams | None = None,
    progress: Progress = silent,
    runs: Path | None = None,
) -> MetricStudy:
    """Tries every source alone, or teams, on every task, and judges metrics by what came of it.

    Cells and scores are ordinary ones: kept, shared with any run, and not computed twice.

    Args:
        config: Suite, tasks, metrics, seeds; strategy, distiller and baseline are of no account.
        oracle: A key of `ORACLES`, or a distiller.
        reference: The metric with which the others are compared; that of the best tau if None.
        teams: Which teams are tried, each member weighted alike; every source alone if None.
        progress: Hears of every unit that ends, first of the cells, then of the scores.
        runs: Folder of run folders; ``runs`` in the working folder if None.

    Raises:
        DistbenchError: As `execute`; also where no source could be tried on any task.
    """
    sources = list(ResolvedRun(config).sources)
    if len(sources) < 2:
        raise UsageError(f"a study compares sources; the zoo has {len(sources)}")
    if teams is not None:
        names = registry(config.plugin)
        config = config.model_copy(update={"metric": with_team_metrics(config.metric, names)})
    base = config.model_copy(
        update={
            "distiller": (ORACLES.get(oracle, oracle),),
            "baseline": ("none",),
            "save_student": False,
            "reporter": (),
        }
    )
    scored = make_plan(base.model_copy(update={"strategy": ("weighted",)}))
    tried: list[tuple[str, ...]] = [(source,) for source in sources]
    strategies: list[dict[str, Any]] = [{"use": "only", "source": source} for source in sources]
    if teams is not None:
        tried = drawn_teams(sources, teams, scored.suite)
        strategies = [{"use": "members", "sources": list(team)} for team in tried]
    metrics = {method.id.split("/", 2)[-1]: None for method in scored.methods}
    if reference is not None and reference not in metrics:
        hint = f"It is none of those that are judged: {', '.join(metrics)}."
        raise UnknownNameError("reference", reference, metrics, hint)
    folder = (runs or Path("runs")) / (config.name or f"study-{scored.name}")
    each = base.model_copy(update={"strategy": tuple(strategies), "name": SOURCES})
    run = execute(each, progress=progress, runs=folder)
    reached = _reached(run)
    if not reached:
        why = "; ".join(sorted({row.reason or "" for row in run.rows})[:3])
        raise DataError(f"no source could be tried by {oracle}: {why}")
    scores, warnings, unscored = _scores(config, scored, progress)
    if teams is not None:
        scores, declined = team_scores(scored, tried, scores)
        warnings = (*warnings, *declined)
    made_by = _made_by(scored)
    tasks = [task.id for task in scored.tasks]
    groups = {task.id: task.group for task in scored.tasks if task.group}
    label = run.rows[0].method.id.partition("/")[0]
    lines = judge(scores, {label: reached}, tasks, reference, groups)
    size = 1 if teams is None else teams.size
    noted = (*ResolvedRun(config).metrics_left_out.values(), *run.warnings, *warnings)
    outcome = MetricStudy(
        folder, label, run, reached, scores, made_by, lines, noted, unscored, size
    )
    _write(outcome, tasks, [team_label(members) for members in tried])
    return outcome


def _reached(run: RunResult) -> ByCell:
    accuracies: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for row in run.rows:
        if row.result is not None:
            members = [n for n, weight in row.result.sources.weights.items() if weight > 0]
            accuracies[row.task.id, row.seed][team_label(members)] = row.result.accuracy
    return dict(accuracies)


def _scores(
    config: RunConfig, plan: Plan, progress: Progress
) -> tuple[dict[str, ByCell], tuple[str, ...], int]:
    """Scores of every metric on every task and seed, from the cache or computed now."""
    jobs = {job.id: job for job in plan.jobs}
    failed: dict[str, str] = {}

    def ended(outcome: Outcome) -> None:
        if outcome.status == "failed":
            failed[outcome.unit] = outcome.reason or "unknown reason"

    base = config.base_of("executor")
    executor = registry(config.plugin).make("executor", config.executor, base=base)
    execute_cells(config, plan, plan.cells, executor, ended, jobs_only=True, progress=progress)
    scores: dict[str, dict[tuple[str, int], dict[str, float]]] = defaultdict(dict)
    warnings: dict[str, None] = {}
    kept = ArtifactCache(home() / "artifacts")
    for cell in plan.cells:
        job = next(jobs[need] for need in cell.needs if jobs[need].stage == "score")
        metric = cell.method.split("/", 2)[-1]
        scores[metric][cell.task, cell.seed] = {}  # asked, if it says nothing
        if job.id in failed:
            warnings[f"{metric} could not score {cell.task}: {failed[job.id]}"] = None
            continue
        artifact = kept.get("scores", job.key)
        if artifact is not None:
            stored = from_json((artifact / "scores.json").read_bytes())
            scores[metric][cell.task, cell.seed] = stored["values"]
            if not stored["values"]:
                why = "; ".join(sorted(set(stored["excluded"].values()))[:2])
                warnings[f"{metric} scored no source of {cell.task}: {why}"] = None
    return {metric: scores[metric] for metric in scores}, tuple(warnings), len(failed)


def _made_by(plan: Plan) -> dict[str, dict[str, Any]]:
    """Of each metric its identity, and the keys of the artifacts with its scores."""
    jobs = {job.id: job for job in plan.jobs}
    made_by: dict[str, dict[str, Any]] = {
        method.id.split("/", 2)[-1]: {"component": method.identities["metric"], "keys": {}}
        for method in plan.methods
    }
    for cell in plan.cells:
        job = next(jobs[need] for need in cell.needs if jobs[need].stage == "score")
        made_by[cell.method.split("/", 2)[-1]]["keys"][cell.task, cell.seed] = job.key
    return made_by


def _write(study: MetricStudy, tasks: Sequence[str], tried: Sequence[str]) -> None:
    """Writes study.json, the metrics' table, and the pictures."""
    whole: dict[str, Any] = {
        "oracle": study.oracle,
        "team_size": study.team_size,
        "reached": _listed(study.reached),
        "scores": {
            metric: {
                "component": study.made_by[metric]["component"],
                "cells": [
                    {**cell, "key": study.made_by[metric]["keys"][cell["task"], cell["seed"]]}
                    for cell in _listed(by_cell)
                ],
            }
            for metric, by_cell in study.scores.items()
        },
        "metrics": [asdict(line) for line in study.lines],
        "warnings": list(study.warnings),
    }
    write_atomic(study.folder / STUDY, json.dumps(whole, indent=1))
    write_study(
        study.folder,
        study.oracle,
        study.lines,
        study.reached,
        study.scores,
        tasks,
        tried,
        study.tried,
    )


def _listed(by_cell: ByCell) -> list[dict[str, Any]]:
    return [
        {"task": task, "seed": seed, "sources": dict(values)}
        for (task, seed), values in sorted(by_cell.items())
    ]
