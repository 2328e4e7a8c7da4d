"""PACTran: a bound on the loss of a classifier that is transferred from the source."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from distbench import Metric, Need, Probe
from distbench_builtin.shared.numerics.features import Array, centred, centred_gram
from distbench_builtin.shared.numerics.joint import joint, members
from distbench_builtin.shared.numerics.pca import principal

_EPSILON = 1e-10
"""Added to probabilities and prior counts, as in the authors' code."""
_UNTIL_EXACT = {"gtol": 1e-15, "ftol": 0, "maxcor": 20, "maxiter": 2000, "maxfun": 4000}
"""When to stop minimising: when round-off ends it, mostly after 30 to 130 steps."""


class PACTran(Metric):
    """PAC-Bayesian bound on the loss of a new classifier on top of the source, sign turned.

    Ding et al., "PACTran: PAC-Bayesian Metrics for Estimating the Transferability of Pretrained
    Models to Classification Tasks", ECCV 2022. The authors publish losses; here, higher is better.

    ``prior=gauss`` (the default: the authors find it the most consistent and effective of theirs,
    and it needs no source classes): a linear classifier of the centred features X (n, D) under
    ``W ~ N(0, v/D)``, by its regularised loss and the flatness of its minimum, C classes::

        L(W, b) = 1/n sum_i -ln softmax(x_i W + b)[y_i] + |W|^2 / (2 r n),   minimal at p
        H       = sum_i (|x_i|^2 + 1) sum_c p_ic (1 - p_ic)
        score   = -( min L + C v / (2 r n) ln( 1 + r n / (C D) H ) )

    The authors' code stops after 100 steps of L-BFGS from a random start, which leaves 3 to 5
    digits; the loss is convex and is minimised here. H is a sum over the images, as in their code,
    though L is a mean; ``curvature=mean`` divides it by n, as a second-order bound on L would.
    The authors try r in 0.1, 1, 10, each with v = 10 r and 100 r. Scores depend on the scale of
    the features (beyond a spread of about 1e5 float64 does not resolve the minimum), and on D where
    columns are duplicated or constant.

    ``prior=dirichlet`` and ``prior=gamma``: w[y, z], the weight of source class z for class y, has
    a Dirichlet prior over y for each z, or independent Gamma priors of rate 1, with counts
    ``a0[y] = a n_y / n``. Ten variational steps for q, the shares of the source classes in each
    image, from q = P, the source's probabilities, with psi the digamma function::

        a[y, z] = a0[y] + sum of q[i, z] over the images i of class y
        q[i, z] ~ P[i, z] exp(psi(a[y_i, z]) - psi(sum_y a[y, z]))      without the last for gamma
        KL      = sum_{i,z} q[i, z] ln(q[i, z] / P[i, z])
        dirichlet: -1/(n C) ( KL + sum_z [ln B(a0) - ln B(a[:, z])] ),   B the Beta function
        gamma:     -1/(n C) ( KL + sum_{y,z} ln(Gamma(a0[y]) / Gamma(a[y, z]))
                              + sum_i ln sum_{y,z} P[i, z] a[y, z] - n ) - 1

    1e-10 is added to P (where its logarithm is taken) and a0, and gamma's posterior has the rate
    of its prior throughout, as in the authors' code.

    Range: gauss below 0, unbounded; the others about -2..0, scaled by 1/C as published, so not
    comparable between tasks. Unchanged by the order of source classes; gauss by rotating and
    shifting features.

    Needs features, the others logits or probabilities. Cost: gauss O(n D C) a product, a few
    hundred of them, after O(n D min(n, D)) where n < D; the others O(n z) a step.

    Example::

        >>> x = [[0, 1, 2], [1, 0, 3], [3, 3, 0], [2, 4, 1], [5, 4, 0], [4, 6, 2]]
        >>> round(distbench.score("pactran", x, [0, 0, 0, 1, 1, 1]), 3)
        -3.706
    """

    prior: Literal["gauss", "dirichlet", "gamma"] = Field(
        "gauss", description="prior of the classifier; gauss reads features, others probabilities"
    )
    alpha: float = Field(1, gt=0, description="a, total prior count of dirichlet and gamma")
    ridge: float = Field(1, gt=0, description="r of gauss: the larger, the weaker the penalty")
    variance: float = Field(10, gt=0, description="v of gauss: D times the prior variance")
    curvature: Literal["sum", "mean"] = Field(
        "sum", description="of gauss: of the loss over images, as the authors' code, or a mean"
    )
    steps: int = Field(10, ge=1, description="variational steps of dirichlet and gamma")

    def needed(self) -> frozenset[Need]:
        """Features, or logits where the prior is on source classes."""
        return self.needs if self.prior == "gauss" else frozenset({"logits"})

    def score(self, probe: Probe) -> float:
        """Minus the bound."""
        if self.prior == "gauss":
            return -self._gauss(probe)
        return -self._conjugate(probe)

    def _gauss(self, probe: Probe) -> float:
        """The bound of a linear classifier of the features."""
        n, d = len(probe.labels), int(probe.features.shape[1])
        classes = probe.labels.num_classes
        # The penalty is the same in all directions, so fewer coordinates do.
        x = principal(probe).scores if n < d else probe.shared(centred)
        loss, chances = _fitted(probe, x, self.ridge)
        spread = np.einsum("nd,nd->n", x, x) + 1
        curvature = float(spread @ (chances * (1 - chances)).sum(axis=1))  # (n,) @ (n,)
        if self.curvature == "mean":
            curvature /= n
        weight = self.ridge * n
        flatness = float(np.log1p(weight / (classes * d) * curvature))
        return loss + classes * self.variance / (2 * weight) * flatness

    def _conjugate(self, probe: Probe) -> float:
        """The bound of weights of the source's classes."""
        labels, p = probe.labels, probe.probabilities
        n, z = len(labels), int(p.shape[1])
        groups = labels.shared(members)
        shares = [p[images] + _EPSILON for images in groups]  # (n_c, z) each
        prior = (self.alpha * labels.counts / n + _EPSILON)[:, None]  # (C, 1)
        sums = probe.shared(joint)
        counts, divergence = prior + sums, 0.0
        for _ in range(self.steps):
            counts = prior + sums
            logs = digamma(counts)  # (C, z)
            if self.prior == "dirichlet":
                logs -= digamma(counts.sum(axis=0))
            # q is P times a weight that all images of a class share, over its sum: in steps only
            # the weights and the sums of q are needed, never q. No sum is 0, as no P is now.
            top = logs.max(axis=1, keepdims=True)
            weights = np.exp(logs - top)
            sums, divergence = np.empty_like(counts), -float(labels.counts @ top[:, 0])
            for c, own in enumerate(shares):
                norm = own @ weights[c]  # (n_c, z) @ (z,) -> (n_c,)
                sums[c] = weights[c] * ((1 / norm) @ own)  # (n_c,) @ (n_c, z) -> (z,)
                divergence -= float(np.log(norm).sum())
            divergence += float((sums * logs).sum())
        if self.prior == "dirichlet":
            before = z * float(gammaln(prior).sum() - gammaln(prior.sum()))
            after = float(gammaln(counts).sum() - gammaln(counts.sum(axis=0)).sum())
            return (divergence + before - after) / (n * len(groups))
        change = float((gammaln(prior) - gammaln(counts)).sum())
        expected = float(np.log(p @ counts.sum(axis=0)).sum())
        return (divergence + change + expected - n) / (n * len(groups)) + 1


def _fitted(probe: Probe, x: Array, ridge: float) -> tuple[float, Array]:
    """Smallest regularised loss of a linear classifier, and its probabilities (n, C).

    Args:
        probe: Of n images.
        x: (n, k), centred.
        ridge: ``r``; the penalty is ``|W|^2 / (2 r n)``.
    """
    labels = probe.labels
    gram = probe.shared(centred_gram)
    largest = float(gram.max()) or 1.0  # on the diagonal
    # About the spread of the first principal component, or that of the prior where this is wider.
    # In units of it L-BFGS takes the fewest steps.
    spread = largest * float(np.linalg.norm(gram / largest))
    size = float(np.sqrt(spread / len(labels) + 1 / (ridge * len(labels))))
    x = x / size
    decay = 1 / (ridge * len(labels)) / size / size
    own = labels.ids[:, None]

    def chances_of(theta: Array) -> tuple[float, Array]:
        logits = x @ theta[:-1] + theta[-1]  # (n, k) @ (k, C) + (C,) -> (n, C)
        logits -= logits.max(axis=1, keepdims=True)
        misfit = -float(np.take_along_axis(logits, own, axis=1).mean())
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)  # (n, C) -> (n, 1)
        logits /= total
        penalty = decay / 2 * float(np.vdot(theta[:-1], theta[:-1]))
        return misfit + float(np.log(total).mean()) + penalty, logits

    def loss_and_gradient(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(x.shape[1] + 1, -1)
        loss, residual = chances_of(theta)
        residual -= labels.onehot
        residual /= len(labels)
        gradient = np.empty_like(theta)
        # This way round, BLAS takes half the time of x.T @ residual.
        gradient[:-1] = (residual.T @ x).T + decay * theta[:-1]  # (C, n) @ (n, k), turned: (k, C)
        residual.sum(axis=0, out=gradient[-1])
        return loss, gradient.ravel()

    start = np.zeros((x.shape[1] + 1, labels.num_classes))
    start[-1] = np.log(labels.counts / len(labels))
    optimum = minimize(
        loss_and_gradient, start.ravel(), jac=True, method="L-BFGS-B", options=dict(_UNTIL_EXACT)
    )
    return chances_of(optimum.x.reshape(start.shape))
