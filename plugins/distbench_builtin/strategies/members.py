"""Sources by name, each weighted alike: what a team of one's own choice leads to."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from distbench import Context, Declined, Role, Strategy, primary
from distbench_builtin.strategies._score_scaling import Sources, Vector


class Members(Strategy):
    """The sources that are named, each with the same weight, whatever any metric says: a control.

    What `only` is for one source, for a team of two or more. Crossed over many teams of a zoo it is
    the oracle that metrics of teams are judged by (our own control).
    """

    role: ClassVar[Role] = "control"
    needs_scores: ClassVar[bool] = False

    examples = ("members:first+second",)

    sources: Annotated[tuple[str, ...], Field(min_length=2)] = primary(
        description="names of the sources, as `distbench rank` shows them"
    )

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """1 / k for each of the k named sources.

        Raises:
            Declined: One of them is not among the eligible sources.
        """
        eligible = [info.name for info in sources]
        absent = [name for name in self.sources if name not in eligible]
        if absent:
            raise Declined(f"{absent[0]} is no eligible source of this task")
        weights = np.zeros(len(sources))
        weights[[eligible.index(name) for name in self.sources]] = 1 / len({*self.sources})
        return weights
