"""NLL: how probable a student holds the right class to be."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from distbench import Measure

_LEAST = float(np.finfo(np.float64).tiny)


class NLL(Measure):
    """Mean negative logarithm of the probability of the right class, in nats; lower is better.

    Good, "Rational Decisions", 1952: the logarithmic score, which is lowest for the true
    probabilities. Guessing all of c classes alike gives ``ln c``. Probabilities are kept with
    eleven bits of their logarithm, so a value is right to one part in a thousand or better.
    """

    higher_is_better: ClassVar = False
    needs: ClassVar = frozenset({"probabilities"})
    unit: ClassVar = "plain"

    @property
    def title(self) -> str:
        """In words."""
        return "negative log-likelihood"

    def value(
        self,
        labels: NDArray[np.int64],
        predictions: NDArray[np.int64],
        probabilities: NDArray[np.float64] | None,
    ) -> float:
        """The mean."""
        right = np.asarray(probabilities)[np.arange(len(labels)), labels]  # (m, c) -> (m,)
        return float(-np.log(np.maximum(right, _LEAST)).mean()) + 0.0
