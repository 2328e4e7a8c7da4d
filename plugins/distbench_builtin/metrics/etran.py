"""ETran: how familiar the images are to the source, and how well a discriminant tells classes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.special import softmax

from distbench import Declined, Metric, Probe
from distbench_builtin.shared.numerics.features import Array, doubles
from distbench_builtin.shared.numerics.lda import class_slices, discriminant, own

_AUTHORS_SHARE = 0.005


class ETran(Metric):
    """Energy-based transferability estimation: an energy score plus a discriminant's certainty.

    Gholami et al., "ETran: Energy-Based Transferability Estimation", ICCV 2023. Its terms for
    classification, with x the features of an image, S the covariance within classes shrunk as
    SFDA does it, m_c and n_c mean and size of a class::

        energy = mean over images of  ln sum_k exp(x_k)
        lda    = mean over images of p(own|x),
                 p(c|x) = softmax over c of  x' S^-1 m_c - 1/2 m_c' S^-1 m_c + ln(n_c/n)
        score  = energy + lda

    The authors' code (github.com/mgholamikn/ETran) departs from that, and ``formula=authors``
    with it. (1) It hands the matrix S^-1 S_b, which is not symmetric, to a solver for symmetric
    ones. Whatever that returns is orthonormal, so S drops out: its discriminant has the identity
    in place of S, and compares plain distances to the class means. (2) Of the energies it
    averages the lowest 0.5 % only (an argument of 0.5, taken as a percentage), which are none of
    fewer than 200 images: declined, where the code returns NaN. How many the paper means is not
    known to us; all is our choice, and `share` says otherwise.

    The code's own ranking scales both terms to 0..1 over a zoo and adds 0.15 of the energy and
    0.85 of the other; `part` gives each for that.

    Range: unbounded; lda 0..1, and 1 for nearly all sources where n < d. The energy is of the
    size of the largest features and depends on their scale and shift, so it mostly decides, and
    sources of different architecture hardly compare. Unchanged by the order of dimensions, but
    not by rotation.

    Needs features. Cost: O(n D min(n, D)), for a covariance and its Cholesky factor.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("etran", x, [0, 0, 0, 1, 1, 1]), 3)
        5.079
    """

    formula: Literal["paper", "authors"] = Field(
        "paper", description="as the paper defines it, or what the authors' code computes"
    )
    part: Literal["both", "energy", "lda"] = Field(
        "both", description="the sum of the terms, or one of them"
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the images whose energy counts, of lowest energy; none: all, or "
        "0.005 with formula=authors",
    )

    def score(self, probe: Probe) -> float:
        """The sum of the terms, or one of them.

        Raises:
            Declined: There is no spread within classes, or the authors' share is no image.
        """
        energy = self._energy(probe) if self.part != "lda" else 0.0
        return energy + self._lda(probe) if self.part != "energy" else energy

    def _energy(self, probe: Probe) -> float:
        authors = self.formula == "authors"
        share = self.share or (_AUTHORS_SHARE if authors else 1.0)
        n = len(probe.labels)
        taken = int(share * n + 1e-9)
        if authors and not taken:
            raise Declined(
                f"the authors' energy is of the lowest {share:.3g} of the images, which is none "
                f"of {n}"
            )
        x = probe.shared(doubles)
        largest = x.max(axis=1)  # (n, D) -> (n,)
        energies = np.sort(largest + np.log(np.exp(x - largest[:, None]).sum(axis=1)))
        return float(energies[: max(1, taken)].mean())

    def _lda(self, probe: Probe) -> float:
        if self.formula == "paper":
            posterior = probe.shared(discriminant).posterior
        else:
            posterior = _nearest_mean(probe)
        return float(own(probe.labels, posterior).mean())


def _nearest_mean(probe: Probe) -> Array:
    """Probabilities of the classes (n, C), images sorted by class, as Gaussians of variance 1."""
    labels = probe.labels
    x = probe.shared(doubles)[labels.order]
    means = np.array([x[span].mean(axis=0) for span in class_slices(labels)])  # (C, D)
    prior = np.log(labels.counts / len(labels))
    # (n, D) @ (D, C) -> (n, C)
    logits = x @ means.T - np.einsum("cd,cd->c", means, means) / 2 + prior
    probabilities: Array = softmax(logits, axis=1)
    return probabilities
