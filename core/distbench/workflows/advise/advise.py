"""Makes the advice of a finished run, for each of its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from distbench.engine.records.run_folder import RunFolder
from distbench.engine.workspace import Workspace
from distbench.errors import UsageError
from distbench.interfaces.context import Context
from distbench.interfaces.progress import Progress, silent
from distbench.leaderboard.analysis.source_weights import source_weights
from distbench.planning.plan import PlannedTask
from distbench.storage.hits import FolderHits
from distbench.storage.home import home
from distbench.storage.rows import Row
from distbench.workflows.advise.candidates import best_row, candidates_of, kind_of
from distbench.workflows.advise.label_curve import LabelCurve, probe_curve, some_labels
from distbench.workflows.advise.probes import (
    MOST_LABELS,
    MOST_SOURCES,
    ProbedSource,
    Probes,
    probe_sources,
)
from distbench.workflows.advise.rule import choose
from distbench.workflows.advise.students import students_of
from distbench.workflows.advise.task_advice import Knowledge, SourceLine, TaskAdvice, Verdict

_BASELINE = "finetune"
_WEIGHED_BY = ("pseudo_labels/weighted", "label_propagation/weighted")
"""Whose weights are shown where the run has them, the first first."""
_LEAST = float("-inf")


@dataclass(frozen=True)
class Advice:
    """Advice on the tasks of a run.

    Attributes:
        run: The run.
        tasks: On each task that it can be given for.
        declined: Task to why there is none.
    """

    run: RunFolder
    tasks: tuple[TaskAdvice, ...]
    declined: Mapping[str, str] = field(default_factory=dict)


def advise(run: RunFolder, *, progress: Progress = silent) -> Advice:
    """Advice on every task of a run.

    Everything is chosen on labelled and validation images. Sources that the run has asked already
    are not run again; images and sources must still be at hand.

    Args:
        run: A finished run.
        progress: Hears what is being done.

    Raises:
        DistbenchError: Images or sources are not there any more, or no task can be advised on.
    """
    from threadpoolctl import threadpool_limits

    work = Workspace(run.plan, home())
    tasks, declined = [], {}
    for task in run.plan.tasks:
        rows = [row for row in run.rows if row.task.id == task.id]
        why = _why_not(task, rows)
        if why is None:
            progress(f"asking the sources what they know of {task.id}")
            with threadpool_limits(run.plan.protocol.threads):
                tasks.append(_advice(run, work, task, rows))
        else:
            declined[task.id] = why
    if not tasks:
        reasons = "; ".join(f"{task}: {why}" for task, why in declined.items())
        raise UsageError(f"{run.folder} cannot be advised on: {reasons}")
    return Advice(run, tuple(tasks), declined)


def _why_not(task: PlannedTask, rows: Sequence[Row]) -> str | None:
    if task.several:
        return "advice is for tasks whose images show one class each"
    ranked = [row for row in rows if row.method.role == "ranked" and row.result is not None]
    if not ranked:
        return "no ranked method of it is done"
    if all(row.result is None or row.result.validation_accuracy is None for row in ranked):
        return "it has no validation images, on which methods are chosen; give `--validation 0.15`"
    return None


def _advice(run: RunFolder, work: Workspace, task: PlannedTask, rows: Sequence[Row]) -> TaskAdvice:
    answers = FolderHits(run.folder)
    baseline = _baseline(rows)
    candidates = candidates_of(rows, answers, baseline)
    choice = choose(candidates)
    first = next(row for row in rows if row.result is not None)
    if choice is None or first.result is None:
        raise UsageError(f"{run.folder} holds no ranked method of {task.id}")
    parts, chosen = first.result.parts, best_row(rows, choice.advised.method)
    advice = TaskAdvice(
        task=task.id,
        seed=first.seed,
        classes=len(task.classes),
        labelled=parts.labelled,
        validation=parts.validation,
        test=parts.test,
        baseline=baseline,
        choice=choice,
        cell=f"{task.id}:{chosen.method.id}:{chosen.seed}",
        candidates=tuple(candidates),
        students=tuple(students_of(run, task.id)),
        notes=task.notes,
    )
    weighing = _weighing(rows, choice.advised.method)
    if weighing is None:
        return advice
    return _with_sources(advice, run, work, task, rows, weighing)


def _with_sources(
    advice: TaskAdvice,
    run: RunFolder,
    work: Workspace,
    task: PlannedTask,
    rows: Sequence[Row],
    weighing: str,
) -> TaskAdvice:
    """The advice with what sources know, and how a method weighs them.

    Args:
        advice: Without.
        run: The run.
        work: Its plan, opened.
        task: The task.
        rows: Those of the task.
        weighing: The method that weighs them.
    """
    (weights,) = source_weights(row for row in rows if row.method.id == weighing)
    shares = {share.source: share.weight for share in weights.shares}
    scores = _scores(rows)
    ranking = sorted(shares, key=lambda name: (-scores.get(name, _LEAST), -shares[name], name))
    first = ranking[0]
    context, notes = work.context(task, advice.seed), advice.notes
    if len(context.labelled) > MOST_LABELS:
        some = some_labels(context, MOST_LABELS / len(context.labelled))
        notes += (f"probes know {len(some)} of the {len(context.labelled)} labels",)
        context = replace(context, labelled=some)
    probes = probe_sources(context, ranking[:MOST_SOURCES], shares)
    known = {one.name: one for one in probes.sources} if probes else {}
    lines = [
        _source_line(
            run, share.source, share.weight, scores.get(share.source), known.get(share.source)
        )
        for share in sorted(
            weights.shares, key=lambda s: (-round(s.weight, 12), -scores.get(s.source, _LEAST))
        )
    ]
    if len(ranking) > MOST_SOURCES:
        notes += (f"of {len(ranking)} sources the first {MOST_SOURCES} by score were probed",)
    return replace(
        advice,
        weighed_by=weights.method,
        knowledge=_knowledge(known[first], first in scores, advice) if known else None,
        sources=tuple(lines),
        excluded=weights.excluded,
        weighted_vote=probes.weighted if probes else None,
        equal_vote=probes.equal if probes else None,
        curves=_probe_curves(context, first, probes),
        notes=notes,
    )


def _scores(rows: Sequence[Row]) -> Mapping[str, float]:
    """The scores of the first method that scores sources; what weighs all alike asks no metric."""
    scored = (row.result.sources.scores for row in rows if row.result is not None)
    return next((scores for scores in scored if scores), {})


def _probe_curves(context: Context, source: str, probes: Probes | None) -> tuple[LabelCurve, ...]:
    curve = probe_curve(context, source) if probes else None
    return () if curve is None else (curve,)


def _knowledge(first: ProbedSource, scored: bool, advice: TaskAdvice) -> Knowledge:
    probe = first.accuracy
    base = next((c for c in advice.candidates if c.method == advice.baseline), None)
    verdict: Verdict = "unclear"
    if base is not None and probe.low is not None and probe.high is not None:
        if probe.low > base.validation.mean:
            verdict = "yes"
        elif probe.high < base.validation.mean:
            verdict = "no"
    return Knowledge(verdict, first.name, scored, probe, base.validation if base else None)


def _source_line(
    run: RunFolder, name: str, weight: float, score: float | None, probed: ProbedSource | None
) -> SourceLine:
    info = run.plan.source(name)
    return SourceLine(
        name=name,
        weight=weight,
        score=score,
        accuracy=probed.accuracy if probed else None,
        adds=probed.adds if probed else None,
        trained_on=tuple(info.trained_on),
        domain=info.domain,
        architecture=info.architecture,
        licence=info.licence,
    )


def _baseline(rows: Sequence[Row]) -> str | None:
    """Fine-tuning, else the first ranked method without sources."""
    without = [
        row.method
        for row in rows
        if "baseline" in row.method.components and row.method.role == "ranked" and row.result
    ]
    ids = [method.id for method in without if kind_of(method.components) == _BASELINE]
    return next(iter([*ids, *(method.id for method in without)]), None)


def _weighing(rows: Sequence[Row], advised: str) -> str | None:
    """The method whose weights are shown: the advised one, else one that weighs, else any."""
    using = {row.method.id: row for row in rows if row.result and row.result.sources.weights}
    if advised in using:
        return advised
    by_kind = {kind_of(row.method.components): method for method, row in using.items()}
    return next((by_kind[k] for k in _WEIGHED_BY if k in by_kind), next(iter(using), None))
