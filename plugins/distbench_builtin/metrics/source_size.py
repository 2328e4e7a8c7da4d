"""A control: is it enough to take the largest source?"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from distbench import Declined, Metric, Probe, Role

_CALLED = {
    "parameters": "number of parameters",
    "macs": "number of multiply-accumulates",
    "depth": "depth",
}


class SourceSize(Metric):
    """Size of the source: what a metric must beat to say more than "take the largest".

    A control, not a method: it looks at neither images nor labels, though much of what published
    metrics achieve over sources of different architectures is explained by their size::

        log10(number of parameters)

    or, with ``by=macs``, log10 of the multiply-accumulates of one image at the source's own input
    size, which depends on depth and resolution rather than on the width of the last layers; or,
    with ``by=depth``, the number of layers with weights on the longest path.

    Range: >= 0, mostly 5..9 (depth: mostly 8..150). Needs source_info. Cost: O(1).

    Example::

        >>> distbench.score("source_size", labels=[0, 1], source_info={"parameters": 1_000_000})
        6.0
    """

    needs: ClassVar = frozenset({"source_info"})
    kinds: ClassVar = frozenset({"single", "several"})
    role: ClassVar[Role] = "control"

    by: Literal["parameters", "macs", "depth"] = Field(
        "parameters",
        description="what size is: parameters, multiply-accumulates of one image, or layers",
    )

    def score(self, probe: Probe) -> float:
        """Decimal logarithm of the size, or the depth.

        Raises:
            Declined: The size is not known.
        """
        size = getattr(probe.source, self.by)
        if not size or size < 0:
            raise Declined(f"the {_CALLED[self.by]} of this source is not known")
        return float(size) if self.by == "depth" else math.log10(size)
