"""CKA: how alike are the similarities between images, by features and by labels or a reference?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from distbench import Declined, Metric, Need, Probe
from distbench_builtin.shared.numerics import alignment
from distbench_builtin.shared.numerics.features import centred_class_sums


class CKA(Metric):
    """Linear centred kernel alignment of the features with the labels or a reference model.

    Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019. With X
    the features and Y the one-hot labels (or the reference features), both centred::

        |X'Y|^2 / (|X'X| |Y'Y|)          Frobenius norms

    which is the cosine of the Gram matrices XX' and YY'. It is biased upwards where dimensions
    are many and images few, so `debiased`, the default, replaces the three inner products by
    their unbiased estimates (Song et al. 2007; Szekely & Rizzo 2014), with k and l the squared
    lengths of the rows of X and Y::

        <XX', YY'>  becomes  |X'Y|^2 - n/(n-2) k'l + (sum k)(sum l) / ((n-1)(n-2))

    The authors' code computes both too; it works in the precision it is given, we in float64. Where
    an image may show several classes, its row of Y has a 1 for each of them.

    Range: 0..1, debiased -1..1 (about 0 for features that say nothing). Unchanged by shifting,
    scaling and rotating the features. Needs features, and reference with `against=reference`.
    Cost: O(n d min(n, d)), one Gram matrix of the smaller side.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("cka", x, [0, 0, 0, 1, 1, 1]), 3)
        0.576
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"features"})
    kinds: ClassVar = frozenset({"single", "several"})

    debiased: bool = Field(True, description="unbiased estimates of the inner products")
    against: Literal["labels", "reference"] = Field(
        "labels", description="one-hot labels, or the features of the reference model"
    )

    def needed(self) -> frozenset[Need]:
        """The reference only where it is compared with."""
        return self.needs | ({"reference"} if self.against == "reference" else set())

    def score(self, probe: Probe) -> float:
        """The alignment.

        Raises:
            Declined: Features or reference do not vary, or tell nothing apart once debiased.
        """
        features = probe.shared(alignment.of_features)
        if not features.kernel.trace:
            raise Declined("the features do not vary")
        if self.against == "labels":
            other = probe.labels.shared(alignment.of_labels)
            sums = probe.shared(centred_class_sums)
            inner = alignment.product_with_labels(features.kernel, sums, other)
        else:
            reference = probe.shared(alignment.of_reference)
            other = reference.kernel
            if not other.trace:
                raise Declined("the reference features do not vary")
            inner = alignment.product(features, reference)
        return alignment.cosine(inner, features.kernel, other, debiased=self.debiased)
