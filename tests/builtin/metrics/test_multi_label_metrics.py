"""Metrics where an image may show several classes, against slow plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

import distbench
from distbench import Declined
from distbench_builtin.metrics.linear_probe import _fit_each


def drawn(seed: int, signal: float = 1.0, images: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random((images, 3)) < (0.5, 0.3, 0.2)).astype(np.int64)
    x = rng.normal(size=(images, 6))
    x[:, :3] += signal * y
    return x, y


def evidence(x: np.ndarray, t: np.ndarray) -> float:
    """Log evidence of t ~ N(0, I/b + XX'/a) a image, maximised over both by a fine search."""
    n = len(t)
    values, vectors = np.linalg.eigh(x @ x.T)
    inside = (vectors.T @ t) ** 2

    def lost(log_ratio: float) -> float:  # of variances 1/b (1 + values / ratio), b at its best
        spread = 1 + np.clip(values, 0, None) * np.exp(-log_ratio)
        scale = (inside / spread).mean()
        return 0.5 * (np.log(2 * np.pi * scale) + 1 + np.log(spread).mean())

    grid = np.linspace(-20, 20, 400)
    best = grid[int(np.argmin([lost(r) for r in grid]))]
    near = minimize_scalar(lost, bounds=(best - 0.2, best + 0.2), method="bounded")
    assert n == len(inside)
    return -float(near.fun)


@pytest.mark.parametrize("seed", range(3))
def test_logme_is_the_mean_evidence_of_one_regression_a_class(seed: int) -> None:
    x, y = drawn(seed)
    wanted = np.mean([evidence(x, y[:, c].astype(float)) for c in range(3)])
    assert distbench.score("logme", x, y) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_parc_ranks_correlations_of_label_vectors(seed: int) -> None:
    x, y = drawn(seed)
    kept = np.flatnonzero((y.sum(axis=1) > 0) & (y.sum(axis=1) < 3))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    above = np.triu_indices(len(kept), 1)
    by_features = np.corrcoef(z[kept])[above]
    by_labels = np.round(np.corrcoef(y[kept])[above], 12)
    wanted = 100 * spearmanr(by_features, by_labels).statistic
    assert distbench.score("parc", x, y) == pytest.approx(wanted, abs=1e-9)


def test_parc_of_one_class_an_image_is_the_same_either_way() -> None:
    x, _ = drawn(1)
    ids = np.arange(40) % 4
    one, other = (distbench.score("parc", x, labels) for labels in (ids, np.eye(4, dtype=int)[ids]))
    assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("metric", ["logme", "logme:stopping=authors", "cka", "cka:debiased=false"])
def test_one_class_an_image_is_the_same_either_way(metric: str) -> None:
    x, _ = drawn(2)
    ids = np.arange(40) % 4
    one, other = (distbench.score(metric, x, labels) for labels in (ids, np.eye(4, dtype=int)[ids]))
    assert one == pytest.approx(other, abs=1e-12)


def test_cka_is_the_cosine_of_centred_gram_matrices() -> None:
    x, y = drawn(3)
    centre = np.eye(40) - 1 / 40
    one, other = (centre @ m @ m.T @ centre for m in (x, y.astype(float)))
    wanted = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
    assert distbench.score("cka:debiased=false", x, y) == pytest.approx(wanted, abs=1e-12)


def test_the_linear_probe_fits_a_logistic_regression_a_class() -> None:
    x, y = drawn(4)
    both = _fit_each(x, y, 0.01)
    for c in range(3):
        fitted = LogisticRegression(C=1 / (0.01 * 40), tol=1e-10, max_iter=10_000).fit(x, y[:, c])
        assert both[:-1, c] == pytest.approx(fitted.coef_[0], abs=1e-3)
        assert both[-1, c] == pytest.approx(fitted.intercept_[0], abs=1e-3)


def test_the_linear_probe_tells_features_from_noise() -> None:
    x, y = drawn(5, signal=20.0, images=80)
    assert distbench.score("linear_probe", x, y) > 99
    noise = np.random.default_rng(0).normal(size=x.shape)
    assert distbench.score("linear_probe", noise, y) < 60
    rows = np.random.default_rng(1).permutation(80)
    one, other = (distbench.score("linear_probe", x[r], y[r]) for r in (slice(None), rows))
    assert one == pytest.approx(other, abs=1e-6)


def test_what_cannot_be_scored_is_declined() -> None:
    _, y = drawn(6)
    with pytest.raises(Declined, match="same features"):
        distbench.score("linear_probe", np.ones((40, 2)), y)
    with pytest.raises(Declined, match="fewer than three images"):
        distbench.score("parc", np.random.default_rng(0).normal(size=(2, 3)), [[1, 0], [0, 1]])
    for metric in ("knn", "hscore", "ridge_loo", "lfc"):
        with pytest.raises(Declined, match="needs images of one class each"):
            distbench.score(metric, np.random.default_rng(0).normal(size=(40, 3)), y)
