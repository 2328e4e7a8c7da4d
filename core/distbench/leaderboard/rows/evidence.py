"""How far results are believed: from a submission's word to cells that were computed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distbench.leaderboard.rows.entries import Cell
from distbench.leaderboard.rows.records import Evidence, RowRecord
from distbench.storage.predictions import ROUNDING, Predictions, accuracy, balanced_accuracy
from distbench.storage.rows import Row

EVIDENCE: dict[Evidence, str] = {
    "run": "From a run's folder, which is no submission.",
    "claimed": "The submission says so: it is well-formed, and no more is known here.",
    "recomputed": "The accuracies follow from the submitted predictions and the labels known here.",
    "verified": "Recomputed, and some of its cells were trained again with results that agree.",
}
"""What each level means, the weakest first; a run's folder lifts no submission."""

_LEVELS = list(EVIDENCE)


@dataclass
class BundleEvidence:
    """Says of the rows of one bundle, as they pass, how far they are believed.

    Attributes:
        again: Method to how many of its cells others computed again, by a record that is believed.
        whole: Whether that record says that all accuracies of the bundle were recomputed.
        contradicted: How many rows have accuracies that their predictions do not give.
    """

    again: Mapping[str, int] = field(default_factory=dict)
    whole: bool = False
    contradicted: int = 0

    def of(
        self, row: Row, predictions: Predictions | None, labels: NDArray[np.int64] | None
    ) -> Evidence:
        """How far a row is believed.

        Args:
            row: The row.
            predictions: (m,) or (m, c), its own; None where they are missing.
            labels: Of the same shape; None where they are not at hand.
        """
        if row.result is not None and predictions is not None and labels is not None:
            if not _follows(row, predictions, labels):
                self.contradicted += 1
                return "claimed"
        elif not self.whole:
            return "claimed"
        return "verified" if row.method.id in self.again else "recomputed"


def _follows(row: Row, predictions: Predictions, labels: NDArray[np.int64]) -> bool:
    """Whether the accuracies of a row are what predictions and labels give."""
    if row.result is None or predictions.shape != labels.shape or not len(labels):
        return False
    claims = (accuracy, row.result.accuracy), (balanced_accuracy, row.result.balanced_accuracy)
    return all(abs(of(predictions, labels) - value) <= ROUNDING for of, value in claims)


def best_evidence(rows: Iterable[RowRecord]) -> dict[Cell, Evidence]:
    """What each finished cell rests on: of copies that hold the same result, the best one."""
    best: dict[Cell, Evidence] = {}
    for row in rows:
        if row.result is not None:
            cell = (row.method.id, row.task.id, row.seed)
            best[cell] = max(best.get(cell, row.evidence), row.evidence, key=_LEVELS.index)
    return best


def weakest_evidence(rows: Iterable[RowRecord]) -> dict[str, Evidence]:
    """Method to what its results rest on: the weakest of its finished cells."""
    weakest: dict[str, Evidence] = {}
    for row in rows:
        if row.result is not None:
            name = row.method.id
            weakest[name] = min(weakest.get(name, row.evidence), row.evidence, key=_LEVELS.index)
    return weakest
