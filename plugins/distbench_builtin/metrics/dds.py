"""DDS: does the source see the same similarities between images as a reference model?"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial.distance import cdist

from distbench import Declined, Metric, Need, Probe
from distbench_builtin.shared.numerics import alignment
from distbench_builtin.shared.numerics import pairs as _pairs
from distbench_builtin.shared.numerics.features import Array

_BLOCK = 2**21


class DDS(Metric):
    """Duality diagram similarity of the features with those of a reference model.

    Dwivedi et al., "Duality Diagram Similarity: A Generic Framework for Initialization Selection
    in Task Transfer Learning", ECCV 2020. Features and reference are z-scored by dimension (ddof
    0, a constant one becomes 0); P and Q are their matrices of distances 1 - similarity between
    images; the score is the cosine of the two, centred without bias (diagonals removed, rows
    without the diagonal adding up to 0)::

        <P~, Q~> / (|P~| |Q~|)            Frobenius norms

    Since that centring takes off constants, 1 - similarity scores as similarity does. Cosine and
    Pearson similarities are products of rows of unit length, so the score is debiased linear CKA
    of those rows, which needs no (n, n) matrix. The authors' code takes exp(-|x - y|_1 / d) itself
    for `laplacian`, with no 1 - , to the same effect. PARC's authors multiply by 100; we do not.

    An image without a similarity in either (at the mean in all dimensions, or for Pearson equally
    far from it in all) is left out.

    Range: -1..1, about 0 for unrelated models. Unchanged by shifting single dimensions and by
    scaling them with positive factors, not by rotating. Needs features and reference. Cost:
    O(n d min(n, d)); laplacian O(n^2 d) without matrix products, so slow, in memory for a block.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> other = [[0, 2, 1], [2, 1, 0], [4, 2, 2], [3, 5, 1], [7, 6, 3], [9, 5, 2]]
        >>> round(distbench.score("dds", x, [0, 0, 0, 1, 1, 1], reference=other), 3)
        0.573
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features", "reference"})

    distance: Literal["cosine", "pearson", "laplacian"] = Field(
        "cosine", description="1 - cosine, 1 - Pearson correlation, or 1 - exp(-|x - y|_1 / d)"
    )

    def score(self, probe: Probe) -> float:
        """The similarity of the two models' similarities.

        Raises:
            Declined: There are fewer than 4 images, or a model finds all pairs equally alike.
        """
        if len(probe.labels) < 4:
            raise Declined(f"the debiased form needs at least 4 images, got {len(probe.labels)}")
        if self.distance == "laplacian":
            return _laplacian(_zscored(probe.features), _zscored(probe.reference))
        if self.distance == "pearson":
            x, y = probe.shared(_pairs.correlation_rows), probe.shared(_pairs.reference_rows)
        else:
            x = _pairs.unit_rows(probe.features, less_mean=False)
            y = _pairs.unit_rows(probe.reference, less_mean=False)
        defined = x.any(axis=1) & y.any(axis=1)
        if defined.sum() < 4:
            raise Declined(
                f"fewer than 4 images have a {self.distance} similarity in features and reference"
            )
        if not defined.all():
            x, y = x[defined], y[defined]
        left, right = alignment.of_rows(x), alignment.of_rows(y)
        if not left.kernel.trace or not right.kernel.trace:
            raise Declined("to one of the models all images are the same")
        inner = alignment.product(left, right)
        return alignment.cosine(inner, left.kernel, right.kernel, debiased=True)


def _zscored(x: NDArray[np.floating]) -> Array:
    mean, factor = _pairs.zscoring(x)  # (d,), (d,)
    scored: Array = (x - mean) * factor
    return scored


def _laplacian(x: Array, y: Array) -> float:
    """The score with kernels exp(-|x - y|_1 / d), by sums over blocks of rows."""
    n = len(x)
    rows = np.zeros((2, n))
    products = np.zeros((2, 2))
    level: Array | None = None
    height = max(1, _BLOCK // n)
    for start in range(0, n, height):
        own = np.arange(start, min(n, start + height))
        # (2, b, n)
        kernels = np.stack([np.exp(-cdist(z[own], z, "cityblock") / z.shape[1]) for z in (x, y)])
        if level is None:  # constants do not matter; near 0, less is lost to round-off
            level = kernels.mean(axis=(1, 2), keepdims=True)
        kernels -= level
        kernels[:, own - start, own] = 0
        rows[:, own] = kernels.sum(axis=2)  # (2, b, n) -> (2, b)
        flat = kernels.reshape(2, -1)
        products += flat @ flat.T  # (2, b n) @ (b n, 2) -> (2, 2)
    totals = rows.sum(axis=1)
    debiased = products - 2 / (n - 2) * rows @ rows.T  # (2, n) @ (n, 2) -> (2, 2)
    debiased += np.outer(totals, totals) / ((n - 1) * (n - 2))
    norms = np.diag(debiased)
    if (norms <= 1e-12 * np.diag(products)).any():
        raise Declined("debiased, one of the models sets no pair of images apart from the others")
    return float(debiased[0, 1] / np.sqrt(norms[0] * norms[1]))
