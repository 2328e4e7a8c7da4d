"""Another strategy over a few sources drawn at random: how many does one need?"""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np
from pydantic import Field

from distbench import Context, Role, Strategy, primary
from distbench_builtin.strategies._score_scaling import Sources, Vector, checked
from distbench_builtin.strategies.weighted import Weighted


class Subset(Strategy):
    """Another strategy over some sources drawn at random, as if the zoo were smaller: a control.

    Sources stand in an order drawn by their names, the first `count` eligible ones are kept: a
    larger subset holds a smaller one of the same `draw`, whatever the task (our own control).
    """

    role: ClassVar[Role] = "control"

    count: int = primary(
        8, ge=1, description="how many sources are kept; all where there are fewer"
    )
    of: Strategy = Field(
        Weighted().named("weighted"), description="what weighs the sources that are kept"
    )
    draw: int = Field(0, ge=0, description="number of the draw")

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """The other strategy's weights for the sources that are kept, 0 for the others.

        Raises:
            ValueError: The scores are not finite.
        """
        values = checked(scores)
        order = sorted(range(len(sources)), key=lambda i: self._sort_key(sources[i].name))
        kept = sorted(order[: self.count])
        weights = np.zeros_like(values)
        weights[kept] = self.of.weigh(values[kept], [sources[i] for i in kept], context)
        return weights

    def _sort_key(self, name: str) -> str:
        return hashlib.sha256(f"subset\0{self.draw}\0{name}".encode()).hexdigest()
