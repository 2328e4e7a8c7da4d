"""How far a shipped student is ahead of the baseline of its run, and whether that is chance."""

from __future__ import annotations

import numpy as np

from distbench.engine.records.ledger import Ledger
from distbench.leaderboard.statistics.images import paired_difference
from distbench.workflows.export.student import Original

_BASELINE = "finetune"


def against_baseline(original: Original) -> str:
    """A sentence for the card; empty where there is nothing to compare.

    One task and one seed: the test images are what both are compared on, by McNemar's exact test.
    """
    plan, own = original.plan, original.cell
    if original.task.several or own.method == _BASELINE:
        return ""
    ledger = Ledger(plan, original.work.root)
    theirs = None
    for cell in plan.cells:
        if (cell.task, cell.seed, cell.method) == (own.task, own.seed, _BASELINE):
            row = ledger.row(cell)
            theirs = ledger.predictions(row) if row else None
    ours = ledger.predictions(original.row)
    if ours is None or theirs is None:
        return ""
    labels = original.images.test_labels
    right, other = np.equal(ours, labels), np.equal(theirs, labels)  # (m,), (m,)
    here, there = int((right & ~other).sum()), int((other & ~right).sum())
    images = f"of {len(labels)} test images {here} are right here alone and {there} there alone"
    head = f"Against `{_BASELINE}` with the same labels and the same seed"
    found = paired_difference(right[None], other[None])
    if found.p is None or found.low is None or found.high is None:
        return f"{head}: no difference; {images}."
    return (
        f"{head}: {100 * found.mean:+.1f} percentage points (95 % interval {100 * found.low:+.1f} "
        f"to {100 * found.high:+.1f}); {images} (McNemar's exact test: p = {found.p:.3g})."
    )
