"""What labels were worth to students: the advised method and the baseline with fewer of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from distbench.interfaces.progress import Progress, silent
from distbench.interfaces.suite import METHOD_KINDS, Protocol
from distbench.leaderboard.statistics import Estimate
from distbench.planning.config import RunConfig
from distbench.planning.plan import PlannedMethod
from distbench.storage.hits import FolderHits
from distbench.workflows.advise.advise import Advice
from distbench.workflows.advise.candidates import candidates_of
from distbench.workflows.advise.label_curve import SHARES, LabelCurve, method_curve
from distbench.workflows.run import execute

FOLDER = "labels"
"""Of a run's folder: a run for each method and each smaller number of labels."""


def with_method_curves(
    advice: Advice, config: RunConfig, progress: Progress = silent
) -> tuple[Advice, tuple[str, ...]]:
    """Trains advised methods and baselines with fewer labels, the same validation images.

    The smaller labelled parts are parts of the larger ones.

    Args:
        advice: Of the run that the configuration makes.
        config: The configuration.
        progress: Hears of every unit that ends.

    Returns:
        The advice with their curves, and a warning for each cell that has no result.

    Raises:
        DistbenchError: As `distbench.workflows.run.execute`.
    """
    plan = advice.run.plan
    wanted = {one.advised.method for one in advice.tasks}
    wanted |= {one.baseline for one in advice.tasks if one.baseline is not None}
    reached: dict[tuple[str, str], dict[int, Estimate]] = defaultdict(dict)
    warnings: list[str] = []
    for number, method in enumerate(method for method in plan.methods if method.id in wanted):
        for labelled in fewer_labels(plan.protocol):
            changes = {"labelled": labelled, "name": f"at-{labelled}-{number}", **_alone(method)}
            trained = execute(
                config.model_copy(update=changes),
                progress=progress,
                runs=advice.run.folder / FOLDER,
            )
            warnings += [
                f"{method.id} on {row.task.id} with {labelled} labels: {row.reason}"
                for row in trained.rows
                if row.result is None
            ]
            answers = FolderHits(trained.folder)
            for task in plan.tasks:
                rows = [row for row in trained.rows if row.task.id == task.id and row.result]
                for candidate in candidates_of(rows, answers, None):
                    result = rows[0].result
                    if result is not None:
                        reached[task.id, method.id][result.parts.labelled] = candidate.validation
    tasks = []
    for one in advice.tasks:
        curves: list[LabelCurve] = []
        for candidate in one.candidates:
            if points := reached.get((one.task, candidate.method)):
                points[one.labelled] = candidate.validation
                curves.append(method_curve(candidate.method, points))
        tasks.append(replace(one, curves=(*one.curves, *curves)))
    return replace(advice, tasks=tuple(tasks)), tuple(warnings)


def fewer_labels(protocol: Protocol) -> list[str]:
    """What ``--labelled`` would say for each share of the labels but all, without repeats."""
    shares = [share for share in SHARES if share < 1]
    if protocol.per_class is None:
        return [f"{share * float(protocol.labelled):g}" for share in shares]
    counts = (math.ceil(share * protocol.per_class) for share in shares)
    return [f"{n}-per-class" for n in dict.fromkeys(counts) if n < protocol.per_class]


def _alone(method: PlannedMethod) -> Mapping[str, Any]:
    """Options of a run of one method, which names all of its parts."""
    parts: dict[str, Any] = {kind: (own,) for kind, own in method.components.items()}
    unused = {kind: ("none",) for kind in ("distiller", "baseline") if kind not in parts}
    kept = {kind: parts[kind] for kind in METHOD_KINDS if kind in parts}
    return {**kept, **unused, "save_student": False, "reporter": ()}
