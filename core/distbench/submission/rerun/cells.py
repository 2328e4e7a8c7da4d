"""Cells of a bundle computed again, by installed components and nothing that it brings."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distbench.engine.records.ledger import Ledger
from distbench.planning.units import units_of
from distbench.plugins.registry import Registry
from distbench.storage.rows import ResultBlock, Row
from distbench.submission.bundle import Bundle
from distbench.submission.no_network import without_network
from distbench.submission.rerun.planner import Replanned, RerunPlanner
from distbench.submission.rerun.scores import scores_again
from distbench.submission.scrub import Scrubber
from distbench.submission.study_scores import without_scores
from distbench.submission.tally import CellId
from distbench.submission.validation_report import ValidationReport, shown

TOLERANCE = 0.05
"""Accuracy between machines; on one machine and version results are equal in every bit."""


def rerun_cells(
    bundle: Bundle,
    names: Registry,
    plugins: tuple[Path, ...],
    wanted: int,
    choice: int | None,
    tolerance: float,
    report: ValidationReport,
) -> None:
    """Draws finished cells and computes them again, with the network shut.

    No method has two of them before each has one, as a method is verified by cells of its own.

    Args:
        bundle: A bundle in which nothing else was wrong.
        names: The installed components.
        plugins: Plugin files that were given.
        wanted: How many cells.
        choice: Seed of the draw; drawn if None.
        tolerance: By how much accuracies may differ where not every bit is equal.
        report: Takes reasons, notes and outcomes.
    """
    choice = secrets.randbelow(2**31) if choice is None else choice
    report.facts |= {"rerun_choice": choice, "rerun_tolerance": tolerance}
    cells = [
        (row.method.id, row.task.id, row.seed) for row in bundle.rows() if row.status == "done"
    ]
    random.Random(choice).shuffle(cells)
    cells = _one_of_each_first(cells)
    planner = RerunPlanner(bundle, names, plugins)
    drawn: dict[CellId, Replanned] = {}
    left = Counter[str]()
    for cell in cells:
        if len(drawn) == wanted:
            break
        planned = planner.cell(cell, report)
        if isinstance(planned, tuple):
            drawn[cell] = planned
        elif planned is not None:
            left[planned] += 1
    for why, count in left.items():
        report.note(f"{count} drawn cells were not computed again: {why}")
    if len(drawn) < min(wanted, len(cells)) and not report.reasons:
        report.note(f"only {len(drawn)} of {wanted} cells could be computed again")
    for row in bundle.rows():
        cell = (row.method.id, row.task.id, row.seed)
        if cell in drawn:
            again = _computed_again(row, drawn[cell], tolerance, report)
            again |= dict(zip(("method", "task", "seed"), cell, strict=True))
            if scores := scores_again(row, planner, report):
                again["scores"] = scores
            report.facts["rerun"].append(again)


def _one_of_each_first(cells: Sequence[CellId]) -> list[CellId]:
    """The first cell of each method, then the second of each, and so on."""
    seen = Counter[str]()
    numbers = []
    for method, _, _ in cells:
        numbers.append(seen[method])
        seen[method] += 1
    return [cell for _, cell in sorted(zip(numbers, cells, strict=True), key=lambda one: one[0])]


def _computed_again(
    row: Row, planned: Replanned, tolerance: float, report: ValidationReport
) -> dict[str, Any]:
    """Computes a cell and compares it with its row."""
    plan, cell = planned
    from distbench.engine.unit import execute_unit

    where = f"{row.method.id} on {row.task.id}, seed {row.seed}"
    ledger = Ledger(plan)
    path = plan.keep(ledger.root)
    if ledger.computed_elsewhere(cell):
        report.note(f"{where} was not computed again: the shared store has a row of it")
        return {"cell": where, "outcome": "failed"}
    with without_network():
        for unit in units_of(plan, [cell]):
            outcome = execute_unit(path, unit.id)
            if outcome.status != "done":
                report.note(f"{where} could not be computed again: {shown(outcome.reason, 300)}")
                return {"cell": where, "outcome": "failed"}
    new = ledger.store.get(cell.key)
    if new is None or row.result is None:
        report.note(f"{where} could not be computed again: it left no row")
        return {"cell": where, "outcome": "failed"}
    new = Scrubber().row(new)
    report.facts["rerun_machine"] = new.environment
    if new.result is None:
        report.refuse("cells computed again", f"{where}: computed again it is {new.status}")
        return {"cell": where, "outcome": new.status}
    claimed = without_scores(row.result)
    result = new.result
    if claimed.probabilities_digest is None:  # as rows were before probabilities were kept
        result = result.model_copy(update={"probabilities_digest": None})
    if result == claimed:
        return {"cell": where, "outcome": "bit-equal"}
    return _compared(where, claimed, result, tolerance, report)


def _compared(
    where: str, claimed: ResultBlock, new: ResultBlock, tolerance: float, report: ValidationReport
) -> dict[str, Any]:
    """Holds two results of different machines against each other."""

    def differs(how: str) -> None:
        report.refuse("cells computed again", f"{where}: {how}")

    for name in ("parts", "declared"):
        if getattr(claimed, name) != getattr(new, name):
            differs(f"computed again, {name} is another")
    for name in ("eligible", "excluded", "marked"):
        if getattr(claimed.sources, name) != getattr(new.sources, name):
            differs(f"computed again, other sources are {name}")
    difference = abs(claimed.accuracy - new.accuracy)
    if difference > tolerance:
        differs(
            f"accuracy {claimed.accuracy:.4f} is claimed, computed again it is {new.accuracy:.4f}; "
            f"{tolerance:g} is allowed between machines"
        )
    return {"cell": where, "outcome": "compared", "difference": difference}
