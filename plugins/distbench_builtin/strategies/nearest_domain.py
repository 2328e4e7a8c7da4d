"""All architectures of the one nearest domain: averaging without mixing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import Context, Role, Strategy
from distbench_builtin.strategies._score_scaling import Sources, Vector, checked, share


class NearestDomain(Strategy):
    """Equal weights on all sources that share the domain of the best one: a control.

    It averages the architectures of one domain and mixes no domains. What `weighted` gains over
    `nearest` and not over this is owed to averaging, as an ensemble does, and not to similarity
    (our own control). A source of domain ``unknown`` stands for itself.
    """

    role: ClassVar[Role] = "control"

    def weigh(self, scores: Vector, sources: Sources, context: Context | None = None) -> Vector:
        """Weight 1/k for each of the k sources of the best one's domain, 0 for the others.

        Raises:
            ValueError: The scores are not finite.
        """
        best = sources[int(checked(scores).argmax())]
        kin = [info is best or info.domain == best.domain != "unknown" for info in sources]
        return share(np.array(kin, dtype=np.float64))
