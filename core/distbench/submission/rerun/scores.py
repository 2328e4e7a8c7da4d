"""What metrics are said to have said of a source, computed again where a study's cell is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from distbench.engine.records.ledger import Ledger
from distbench.planning.units import units_of
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.rows import STUDIED, Row
from distbench.submission.no_network import without_network
from distbench.submission.rerun.planner import Replanned, RerunPlanner
from distbench.submission.study_scores import single_source
from distbench.submission.validation_report import ValidationReport, shown

TOLERANCE = 0.01
"""Relative difference of scores between machines; on one machine they are equal in every bit."""
COARSE = 0.15
"""The same as a share of the spread of all sources' scores: one that counts a few images moves by
whole ones, as a linear probe's by one of 28."""


def scores_again(row: Row, planner: RerunPlanner, report: ValidationReport) -> dict[str, str]:
    """Computes what every metric says of the one source of a row, and compares it.

    Args:
        row: A finished row of a study.
        planner: Plans with installed components alone.
        report: Takes reasons and notes.

    Returns:
        How each metric ended: ``bit-equal``, ``compared`` or ``failed``; empty where the row is not
        of a study.
    """
    source = single_source(row.result)
    if row.result is None or source is None:
        return {}
    outcomes = {}
    for metric, of in sorted(row.result.declared.get(STUDIED, {}).items()):
        where = f"{shown(metric)} of {shown(source)} on {shown(row.task.id)}, seed {row.seed}"
        cell_id = (row.method.id, row.task.id, row.seed)
        planned = planner.scores(cell_id, row.method.components["distiller"], of["component"])
        values = planned if isinstance(planned, str) else _computed(planned)
        if isinstance(values, str):
            report.note(f"the score of {where} could not be computed again: {values}")
            outcomes[metric] = "failed"
        else:
            outcomes[metric] = _compared(where, of["score"], source, values, report)
    return outcomes


def _computed(planned: Replanned) -> Mapping[str, Any] | str:
    """Scores by source, computed now; or why that could not be."""
    from distbench.engine.unit import execute_unit

    plan, cell = planned
    ledger = Ledger(plan)
    path = plan.keep(ledger.root)
    jobs = {job.id: job for job in plan.jobs}
    with without_network():
        for unit in units_of(plan, [cell]):
            if unit.id in jobs:
                outcome = execute_unit(path, unit.id)
                if outcome.status != "done":
                    return shown(outcome.reason, 300)
    job = next(jobs[need] for need in cell.needs if jobs[need].stage == "score")
    artifact = ArtifactCache(ledger.root / "artifacts").get("scores", job.key)
    if artifact is None:
        return "nothing was left by its job"
    values: Mapping[str, Any] = from_json((artifact / "scores.json").read_bytes())["values"]
    return values


def _compared(
    where: str,
    claimed: float | None,
    source: str,
    values: Mapping[str, float | None],
    report: ValidationReport,
) -> str:
    new = values.get(source)
    if claimed == new:
        return "bit-equal"
    known = [value for value in values.values() if value is not None]
    near = COARSE * (max(known) - min(known)) if known else 0.0
    if (
        claimed is None
        or new is None
        or not math.isclose(claimed, new, rel_tol=TOLERANCE, abs_tol=near)
    ):
        report.refuse(
            "scores computed again",
            f"{where}: {_told(claimed)} is claimed, computed again it is {_told(new)}",
        )
    return "compared"


def _told(score: float | None) -> str:
    return "nothing" if score is None else f"{score:.6g}"
