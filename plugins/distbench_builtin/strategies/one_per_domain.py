"""The best architecture of every domain: mixing without averaging."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from distbench import Context, Role, Strategy
from distbench_builtin.strategies._score_scaling import Sources, Vector, checked
from distbench_builtin.strategies.weighted import Weighted


class OnePerDomain(Strategy):
    """Another strategy over the best-scored source of each domain alone: a control.

    It mixes domains and averages no architectures of one, as if the zoo had one a domain. What a
    strategy gains over `nearest` and not here is owed to that averaging, not to similarity (our
    own control). A source of domain ``unknown`` stands for itself.
    """

    role: ClassVar[Role] = "control"

    of: Strategy = Field(
        Weighted().named("weighted"), description="what weighs the sources that are kept"
    )

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """The other strategy's weights for the best of each domain, 0 for the others.

        Raises:
            ValueError: The scores are not finite.
        """
        values = checked(scores)
        best: dict[str, int] = {}
        for i in np.argsort(-values, kind="stable"):
            info = sources[int(i)]
            domain = f"unknown:{info.name}" if info.domain == "unknown" else info.domain
            best.setdefault(domain, int(i))
        kept = sorted(best.values())
        weights = np.zeros_like(values)
        weights[kept] = self.of.weigh(values[kept], [sources[i] for i in kept], context)
        return weights
