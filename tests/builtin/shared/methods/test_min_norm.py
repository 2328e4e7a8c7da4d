"""The shortest mean of vectors, beside a general optimiser and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from distbench_builtin.shared.methods.min_norm import min_norm_weights


def solved(gram: np.ndarray, most: np.ndarray) -> float:
    """The least squared length, by sequential least squares."""
    start = most / most.sum()
    found = minimize(
        lambda w: w @ gram @ w,
        start,
        jac=lambda w: 2 * gram @ w,
        bounds=[(0, m) for m in most],
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return float(found.fun)


@pytest.mark.parametrize(("s", "d"), [(2, 3), (4, 3), (6, 30), (28, 10)])
@pytest.mark.parametrize("reach", [1.3, 2.0, 50.0])
def test_no_other_weights_are_shorter(s: int, d: int, reach: float) -> None:
    draw = np.random.default_rng(s + d)
    vectors = draw.normal(0.4, 1, size=(5, s, d))
    gram = vectors @ vectors.transpose(0, 2, 1)
    alpha = draw.dirichlet(np.ones(s))
    most = np.minimum(reach * alpha, 1)
    w = min_norm_weights(torch.tensor(gram), torch.tensor(most)).numpy()
    np.testing.assert_allclose(w.sum(1), 1, rtol=1e-9)
    assert (w >= 0).all() and (w <= most + 1e-9).all()
    for own, g in zip(w, gram, strict=True):
        assert own @ g @ own <= solved(g, most) + 1e-5 * np.trace(g) / s


def test_two_vectors_by_hand() -> None:
    vectors = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    gram = (vectors @ vectors.T)[None]
    # Of (3a, 1 - a) the shortest is at 18a = 2 (1 - a), a = 0.1.
    free = min_norm_weights(gram, torch.ones(2))
    np.testing.assert_allclose(free[0], [0.1, 0.9], atol=1e-12)
    bound = min_norm_weights(gram, torch.tensor([0.6, 0.6]))
    np.testing.assert_allclose(bound[0], [0.4, 0.6], atol=1e-12)
    only = min_norm_weights(gram, torch.tensor([0.3, 0.7]))
    np.testing.assert_allclose(only[0], [0.3, 0.7], atol=1e-6)


def test_equal_vectors_and_one_vector() -> None:
    same = min_norm_weights(torch.ones(1, 3, 3), torch.ones(3))
    np.testing.assert_allclose(same[0], [1 / 3] * 3)
    assert min_norm_weights(torch.ones(4, 1, 1), torch.ones(1)).tolist() == [[1.0]] * 4
