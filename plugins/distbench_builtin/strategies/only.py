"""One source by name: what each source alone leads to."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import Context, Declined, Role, Strategy, primary
from distbench_builtin.strategies._score_scaling import Sources, Vector


class Only(Strategy):
    """The one source that is named, whatever any metric says: a control.

    Crossed over all sources of a zoo it is the oracle that metrics are judged by: which source
    would have been the right one (our own control).
    """

    role: ClassVar[Role] = "control"
    needs_scores: ClassVar[bool] = False

    examples = ("only:first",)

    source: str = primary(description="name of the source, as `distbench rank` shows it")

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """Weight 1 for the named source.

        Raises:
            Declined: It is not among the eligible sources.
        """
        weights = np.array([float(info.name == self.source) for info in sources])
        if not weights.any():
            raise Declined(f"{self.source} is no eligible source of this task")
        return weights
