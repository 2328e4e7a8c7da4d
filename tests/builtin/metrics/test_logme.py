"""LogME against the exact marginal likelihood, reference values, and the defects of other codes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from distbench import Declined, Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics.logme import LogME
from distbench_builtin.shared.numerics.spectrum import spectrum

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return LogME(**parameters).score(Probe(labels, features=features))


def marginal_likelihood(labels, features):
    """Mean over classes of max log N(t | 0, I/b + XX'/a) / n, by dense matrices and Nelder-Mead."""
    x = np.asarray(features, dtype=np.float64)
    n, gram = len(x), x @ x.T * x.size / (x**2).sum()

    def loss(theta, t):
        cov = np.exp(theta[0]) * np.eye(n) + np.exp(theta[1]) * gram
        _, logdet = np.linalg.slogdet(cov)
        return 0.5 * (t @ np.linalg.solve(cov, t) + logdet + n * np.log(2 * np.pi))

    best = []
    for c in np.unique(labels):
        t = (labels == c).astype(np.float64)
        starts = [(-2, -2), (-2, -8), (-6, -3)]
        options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000}
        found = [
            minimize(loss, s, args=(t,), method="Nelder-Mead", options=options) for s in starts
        ]
        best.append(-min(f.fun for f in found) / n)
    return np.mean(best)


@pytest.mark.parametrize(("n", "d"), [(40, 5), (30, 29), (24, 60), (20, 20)])
def test_equals_the_exact_marginal_likelihood(n, d):
    labels, features = draw(n, d, signal=0.7)
    assert score(labels, features) == pytest.approx(marginal_likelihood(labels, features), abs=1e-7)


def test_equals_the_exact_marginal_likelihood_of_rank_deficient_features():
    labels, features = draw(40, 4)
    wide = features @ np.random.default_rng(1).normal(size=(4, 70))
    tall = features @ np.random.default_rng(1).normal(size=(4, 9))
    for x in (wide, tall):
        assert score(labels, x) == pytest.approx(marginal_likelihood(labels, x), abs=1e-7)


def test_equals_the_exact_marginal_likelihood_of_one_dimension():
    labels, features = draw(30, 1, classes=2, signal=3)
    assert score(labels, features) == pytest.approx(marginal_likelihood(labels, features), abs=1e-7)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("stopping", "key", "rel"),
    [("converged", "exact.logme_converged", 1e-5), ("authors", "exact.logme_thuml_rule", 1e-6)],
)
def test_reference_values(goldens, golden_inputs, case, stopping, key, rel):
    wanted = goldens[case][key]["value"]
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"], stopping=stopping)
    assert got == pytest.approx(wanted, rel=rel)


def test_far_fewer_images_than_dimensions():
    labels, features = draw(60, 2048, classes=4, signal=0)
    exact = marginal_likelihood(labels, features)
    assert -1 < exact < -0.5
    assert score(labels, features) == pytest.approx(exact, abs=1e-6)
    assert score(labels, features, stopping="authors") == pytest.approx(exact, abs=0.05)
    # Dimensions without content say nothing, however many there are.
    padded = np.hstack([features, np.zeros((60, 2048))])
    assert score(labels, padded) == pytest.approx(score(labels, features), rel=1e-9)


@pytest.mark.parametrize("stopping", ["converged", "authors"])
def test_a_class_id_that_does_not_occur_changes_nothing(stopping):
    labels, features = draw(50, 12, classes=4)
    gaps = np.array([0, 1, 3, 9])[labels]
    before = score(labels, features, stopping=stopping)
    assert score(gaps, features, stopping=stopping) == before


@pytest.mark.parametrize("factor", [1e-4, 100, 1000])
@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_scale_changes_nothing(factor, shape):
    labels, features = draw(*shape)
    assert score(labels, factor * features) == pytest.approx(score(labels, features), rel=1e-9)


def test_rotation_changes_nothing():
    labels, features = draw(60, 20)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    assert score(labels, features @ turn) == pytest.approx(score(labels, features), rel=1e-9)


@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_precision_of_the_input_hardly_matters(shape):
    labels, features = draw(*shape)
    single = features.astype(np.float32)
    assert score(labels, single) == pytest.approx(score(labels, features), rel=1e-5)


def test_better_features_score_higher():
    scores = [score(*draw(120, 30, signal=signal)) for signal in (0, 0.5, 1, 2)]
    assert scores == sorted(scores)


def test_classes_without_signal_have_the_limit_of_the_evidence():
    half = np.random.default_rng(0).normal(size=(20, 6))
    labels = np.tile(np.repeat([0, 1], [5, 15]), 2)
    features = np.vstack([half, -half])  # class sums vanish: nothing linear tells classes apart
    shares = np.array([10, 30]) / 40
    limit = np.mean(-0.5 * (np.log(2 * np.pi * shares) + 1))
    assert score(labels, features) == pytest.approx(limit, rel=1e-12)


def test_features_that_are_all_zero_have_the_evidence_of_noise():
    labels = np.repeat([0, 1], [10, 30])
    limit = np.mean(-0.5 * (np.log(2 * np.pi * np.array([0.25, 0.75])) + 1))
    assert score(labels, np.zeros((40, 7))) == pytest.approx(limit, rel=1e-12)
    assert score(labels, np.zeros((40, 70))) == pytest.approx(limit, rel=1e-12)
    authors = score(labels, np.zeros((40, 7)), stopping="authors")
    assert authors == pytest.approx(limit, abs=1e-3)


def test_a_perfect_fit_is_finite_and_best():
    labels, features = draw(60, 20, classes=4)
    perfect = score(labels, np.eye(4)[labels])
    assert score(labels, features) < perfect < 20
    assert np.isfinite(score(labels, np.eye(4)[labels], stopping="authors"))


def test_a_probe_refuses_one_class():
    with pytest.raises(ValueError, match=r"at least two classes, got 20 labels of 1"):
        score(np.full(20, 3), np.ones((20, 4)))


def test_a_probe_refuses_features_that_are_not_finite():
    labels, features = draw(20, 4)
    features[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"features must be finite .* row 3, column 2: nan"):
        score(labels, features)


def test_features_out_of_scale_are_scored_or_declined():
    labels, features = draw(40, 90)
    normal = score(labels, features)
    assert score(labels, 1e138 * features) == pytest.approx(normal, rel=1e-9)
    with pytest.raises(Declined, match="the authors' iteration overflows with features of this"):
        score(labels, 1e138 * features, stopping="authors")


def test_metrics_of_one_probe_share_the_spectrum():
    labels, features = draw(40, 90)
    probe = Probe(labels, features=features)
    assert LogME().score(probe) == score(labels, features)
    assert probe.shared(spectrum) is probe.shared(spectrum)
    authors = LogME(stopping="authors")
    assert authors.score(probe) == score(labels, features, stopping="authors")


def test_specification():
    metric = registry().make("metric", "logme:stopping=authors")
    assert isinstance(metric, LogME)
    assert metric.stopping == "authors"
    assert metric.needs == {"features"}
    with pytest.raises(UsageError, match=r"stopping='never' will not do: .*'converged' or 'auth"):
        registry().make("metric", "logme:stopping=never")
