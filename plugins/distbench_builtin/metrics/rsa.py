"""RSA: does the source rank pairs of images by likeness as a reference model does?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from distbench import Declined, Metric, Need, Probe
from distbench_builtin.shared.numerics import pairs as _pairs
from distbench_builtin.shared.numerics.pairs import Floats
from distbench_builtin.shared.numerics.rank_correlation import of_pairs


class RSA(Metric):
    """Representational similarity analysis against the features of a reference model.

    Dwivedi & Roig, "Representation Similarity Analysis for Efficient Task Taxonomy & Transfer
    Learning", CVPR 2019. Features and reference are z-scored by dimension (ddof 0, a constant one
    becomes 0, as in PARC's code); over all pairs of images the distances 1 - Pearson correlation
    of the one and of the other are compared by Spearman's rank correlation, times 100::

        100 * Pearson correlation of the midranks of both

    Correlations that agree to 2^-40 are ties, as those of duplicate images should be. Beyond 2,048
    images they are computed in float32, ranked by counting in steps of 2^-18, and computed twice
    so that no more than a tile of them is held; that moves the score by about 1e-6, and by up to
    0.01 where images have almost collapsed to a few points.

    An image without a correlation in either (all dimensions equal once z-scored) is left out.

    Range: -100..100. Unchanged by shifting single dimensions and by scaling them with positive
    factors, not by rotating. Needs features and reference. Cost: O(n^2 d) and sorting n^2 / 2
    pairs twice; beyond 2,048 images O(n^2 d) twice, memory for float32 copies of both and a tile.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> other = [[0, 2, 1], [2, 1, 0], [4, 2, 2], [3, 5, 1], [7, 6, 3], [9, 5, 2]]
        >>> round(distbench.score("rsa", x, [0, 0, 0, 1, 1, 1], reference=other), 3)
        -30.357
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features", "reference"})
    kinds: ClassVar = frozenset({"single", "several"})

    def score(self, probe: Probe) -> float:
        """Spearman's coefficient of the models' correlations between images, times 100.

        Raises:
            Declined: Fewer than three images have a correlation in both models, or one of the
                models finds all pairs equally alike.
        """
        n = len(probe.labels)
        few = n * (n - 1) // 2 <= _pairs.EXACT
        x: Floats
        y: Floats
        if few:
            x, y = probe.shared(_pairs.correlation_rows), probe.shared(_pairs.reference_rows)
        else:
            x = _pairs.unit_rows(probe.features, dtype=np.float32)
            y = _pairs.unit_rows(probe.reference, dtype=np.float32)
        defined = x.any(axis=1) & y.any(axis=1)
        if defined.sum() < 3:
            raise Declined(
                "fewer than three images have features, and reference features, that vary from one "
                "dimension to the next"
            )
        if not defined.all():
            x, y = x[defined], y[defined]
        inner, left, right = of_pairs(x, y)
        if not left or not right:
            raise Declined("to one of the models all pairs of images are equally alike")
        return 100 * inner / float(np.sqrt(left) * np.sqrt(right))
