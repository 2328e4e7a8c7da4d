"""Test probabilities of a bundle held against its rows and predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distbench.storage.probabilities import fit, probabilities_digest
from distbench.storage.rows import ResultBlock, Row
from distbench.submission.bundle import Bundle


class ProbabilityChecks:
    """Looks at the probabilities of rows as they pass.

    Args:
        bundle: The bundle.

    Attributes:
        without: How many rows name probabilities that the bundle does not have.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.without = 0

    def wrong(
        self, row: Row, result: ResultBlock, predictions: NDArray[np.int64], classes: int
    ) -> str | None:
        """What is wrong with those of a row, if anything is.

        Args:
            row: The row.
            result: Its result.
            predictions: Its predictions, one for each test image, each of a class that there is.
            classes: How many there are.

        Raises:
            BundleError: The member that holds them is damaged or not of the right form.
        """
        logs = self._bundle.logs(row)
        if logs is None:
            self.without += result.probabilities_digest is not None
            missing = result.probabilities_digest is not None and self._bundle.has_probabilities
            return "its probabilities are missing" if missing else None
        if probabilities_digest(logs) != result.probabilities_digest:
            return "its probabilities are not those of its digest"
        if logs.shape != (result.parts.test, classes):
            return (
                f"probabilities of {logs.shape[0]} images and {logs.shape[1]} classes; it has "
                f"{result.parts.test} and {classes}"
            )
        return None if fit(logs, predictions) else "its predictions are not the most probable ones"
