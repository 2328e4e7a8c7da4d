"""Chooses the settings of methods on development tasks: the same trials for every method.

A trial is an ordinary run of one setting on all development tasks; its worth is the mean
validation accuracy. Its cells are cached like any others, what it tries next follows from the
trials before, and these are kept: a search that was stopped goes on where it was.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distbench.errors import DistbenchError, RefusedError, UsageError
from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.suite import METHOD_KINDS
from distbench.planning.config import DEFAULT_SUITE, RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.registry import Registry, registry
from distbench.storage.hashing import digest
from distbench.storage.home import home
from distbench.storage.rows import Row
from distbench.workflows.run import execute
from distbench.workflows.tune.development_tasks import with_development_tasks
from distbench.workflows.tune.sampler import Parameters, check_optuna, propose
from distbench.workflows.tune.search_space import (
    Named,
    SearchSpace,
    check_ranges,
    methods_of,
    search_space_of,
)
from distbench.workflows.tune.trials import MethodTrials, Trial, Tuned, load_trials, save_trials


def tune(
    config: RunConfig,
    *,
    trials: int = 16,
    seed: int = 0,
    ranges: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress = silent,
    unit_progress: Progress = silent,
) -> Tuned:
    """Tunes the methods of a configuration.

    A component is tuned once, in the first method that has it; a later method that shares it takes
    it as chosen. So with ``weighted`` and several distillers the first decides the weights.

    Args:
        config: The methods, suite, development tasks, and how to run; parameters that are given
            with a component are not tuned.
        trials: Trials of each method; the first is the declared defaults.
        seed: Of the search; that of the data split and training is a trial's own.
        ranges: By component, in place of the suite's, over those that are declared.
        progress: Hears of every trial, also of those that were made before.
        unit_progress: Hears of every unit of a trial that ends, counted anew for each trial.

    Raises:
        DistbenchError: Something is wrong with configuration, data, weights or machine; trials
            that are finished are kept.
    """
    check_optuna()
    names = registry(config.plugin)
    if not (config.suite or config.task):
        config = config.model_copy(update={"suite": DEFAULT_SUITE})
    suite = ResolvedRun(config).suite
    check_ranges(suite.tuning.ranges, names, f"[tuning.ranges] of suite {suite.name}")
    ranges = {**suite.tuning.ranges, **(ranges or {})}
    config = with_development_tasks(config, suite, names)
    config = config.model_copy(update={"metric": ResolvedRun(config).metric_values})
    methods = methods_of(config, suite, names)
    if not methods:
        raise UsageError("nothing to tune: name a --distiller with --strategy, or a --baseline")
    chosen: dict[Named, dict[str, Any]] = {}
    studies: list[MethodTrials] = []
    warnings: list[str] = []
    plan: Plan | None = None
    for method in methods:
        space = search_space_of(method, chosen, ranges, suite, names)
        if not space.axes:
            warnings.append(f"{space.name} has nothing left to tune")
            continue
        search = _MethodSearch(config, space, seed)
        study = search.run(trials, progress, unit_progress)
        plan = search.plan
        studies.append(study)
        if study.best is None:
            reason = study.trials[0].reason
            raise DistbenchError(f"no trial of {space.name} came to an end: {reason}")
        chosen |= space.settings(study.best.parameters)
        failed = [trial for trial in study.trials if trial.value is None]
        if failed:
            warnings.append(
                f"{len(failed)} of {len(study.trials)} trials of {space.name} failed, "
                f"the first with: {failed[0].reason}"
            )
        warnings += space.at_ends(study.best.parameters)
    if plan is None:
        raise UsageError(
            "nothing to tune: no parameter of these methods has a range; "
            "give some in the suite's [tuning.ranges.NAME] or a file (--ranges)"
        )
    return Tuned(
        suite=suite.name,
        suite_version=suite.version,
        protocol=plan.protocol.model_dump(),
        tasks=tuple({"id": t.id, "use": t.label, "fingerprint": t.fingerprint} for t in plan.tasks),
        trials=trials,
        seed=seed,
        studies=tuple(studies),
        settings=_as_settings(chosen, names),
        warnings=tuple(warnings),
    )


class _MethodSearch:
    """The trials of one method.

    Args:
        config: All but the method.
        space: The method.
        seed: Of the search.
    """

    def __init__(self, config: RunConfig, space: SearchSpace, seed: int) -> None:
        self._config, self._space, self._seed = config, space, seed
        self._ranges = {axis.name: (axis.range, axis.whole) for axis in space.axes}
        self._defaults = {axis.name: axis.default for axis in space.axes}
        first = propose(self._ranges, self._defaults, [], seed)
        self.plan = make_plan(self._of(first))
        what = [self.plan.digest, {k: v[0].table() for k, v in self._ranges.items()}, seed]
        self._path = home() / "tuning" / f"{digest(what)}.json"

    def run(self, trials: int, progress: Progress, unit_progress: Progress) -> MethodTrials:
        """Makes the trials that are missing."""
        done = load_trials(self._path)
        for number in range(min(len(done), trials)):
            progress(self._line(done[: number + 1], trials) + ", as before", number + 1, trials)
        kept, started = len(done), time.monotonic()
        while len(done) < trials:
            past = [(trial.parameters, trial.value) for trial in done]
            parameters = propose(self._ranges, self._defaults, past, self._seed)
            trial = replace(self._try(parameters, unit_progress), number=len(done))
            done.append(trial)
            save_trials(self._path, done)
            each = (time.monotonic() - started) / (len(done) - kept)
            left = each * (trials - len(done))
            progress(self._line(done, trials), len(done), trials, left=left)
        return MethodTrials(
            method=self._space.name,
            components=self._space.settled(),
            ranges={name: within.table() for name, (within, _) in self._ranges.items()},
            trials=tuple(done[:trials]),
        )

    def _of(self, parameters: Parameters) -> RunConfig:
        """The run of one setting."""
        tables = self._space.tables(parameters)
        methods: dict[str, Any] = {"distiller": ("none",), "baseline": ("none",)}
        methods |= {kind: (table,) for kind, table in tables.items()}
        return self._config.model_copy(update=methods)

    def _line(self, done: Sequence[Trial], trials: int) -> str:
        """The last of these trials, and the best of them, in words."""
        *_, last = done
        outcome = f"failed: {last.reason}" if last.value is None else f"{last.value:.4f}"
        values = ", ".join(f"{k.partition('.')[2]}={v}" for k, v in last.parameters.items())
        best = max((trial.value for trial in done if trial.value is not None), default=None)
        line = f"{self._space.name} {len(done)}/{trials}: {outcome} ({values})"
        return line if best is None else f"{line}, best {best:.4f}"

    def _try(self, parameters: Parameters, progress: Progress) -> Trial:
        # A run writes a leaderboard with test accuracies, which nobody should look at here.
        with tempfile.TemporaryDirectory() as folder:
            run = execute(self._of(parameters), progress=progress, runs=Path(folder))
        return judged(parameters, run.rows)


def judged(parameters: Parameters, rows: tuple[Row, ...]) -> Trial:
    """What a setting is worth: mean validation accuracy over its cells. Reads nothing of test.

    Raises:
        RefusedError: Data or weights were refused.
        UsageError: A cell was declined, or its task has no validation images.
    """
    accuracies: dict[str, list[float]] = {}
    seconds = sum(row.cost.total_seconds for row in rows if row.cost)
    for row in rows:
        where = f"{row.method.id} on {row.task.id}, seed {row.seed}"
        if row.refused:
            raise RefusedError(f"{where}: {row.reason}")
        if row.status == "failed":
            return Trial(0, parameters, None, reason=f"{where}: {row.reason}", seconds=seconds)
        if row.result is None:
            raise UsageError(f"{where} cannot be tuned: {row.status}: {row.reason}")
        if row.result.validation_accuracy is None:
            raise UsageError(
                f"{row.task.id} has no validation images to tune on; give some with --validation"
            )
        accuracies.setdefault(row.task.id, []).append(row.result.validation_accuracy)
    tasks = {task: sum(values) / len(values) for task, values in accuracies.items()}
    return Trial(0, parameters, sum(tasks.values()) / len(tasks), tasks, seconds=seconds)


def _as_settings(
    chosen: Mapping[Named, Mapping[str, Any]], names: Registry
) -> dict[str, dict[str, Any]]:
    """The chosen settings as a suite file holds them."""
    settings: dict[str, dict[str, Any]] = {}
    for (kind, name), table in chosen.items():
        several = sum(name in names.names(other) for other in METHOD_KINDS) > 1
        if several:
            settings.setdefault(kind, {})[name] = dict(table)
        else:
            settings[name] = dict(table)
    return settings
