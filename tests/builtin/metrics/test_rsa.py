"""RSA against a plain implementation with SciPy, reference values, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from distbench import Declined, Probe
from distbench.plugins.registry import registry
from distbench_builtin.metrics.rsa import RSA
from distbench_builtin.shared.numerics import pairs as _pairs

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, r, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 6))
    features = hidden @ rng.normal(size=(6, d)) + noise * rng.normal(size=(n, d))
    return features, hidden @ rng.normal(size=(6, r)) + noise * rng.normal(size=(n, r))


def score(features, reference):
    return RSA().score(Probe(np.arange(len(features)) % 2, features=features, reference=reference))


def plain(features, reference):
    upper = np.triu_indices(len(features), k=1)
    sides = []
    for x in (features, reference):
        x = np.asarray(x, np.float64)
        constant = np.ptp(x, axis=0) == 0
        z = np.where(constant, 0, (x - x.mean(axis=0)) / np.where(constant, 1, x.std(axis=0)))
        sides.append(np.round(1 - np.corrcoef(z)[upper], 12))
    return 100 * spearmanr(*sides).statistic


@pytest.mark.parametrize(("n", "d", "r"), [(8, 5, 3), (60, 20, 30), (40, 90, 50)])
def test_equals_the_plain_form(n, d, r):
    features, reference = draw(n, d, r)
    assert score(features, reference) == pytest.approx(plain(features, reference), abs=1e-9)
    features = features.astype(np.float32)
    assert score(features, reference) == pytest.approx(plain(features, reference), abs=1e-9)


def test_equals_the_plain_form_with_ties_and_constant_dimensions():
    features, reference = draw(30, 12, 8)
    features, reference = np.vstack([features, features]), np.vstack([reference, reference])
    features[:, 3], reference[:, 0] = 0.1, 7
    assert score(features, reference) == pytest.approx(plain(features, reference), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case, goldens, golden_inputs):
    inputs = golden_inputs(case)
    got = score(inputs["features"], inputs["ref_features"])
    assert got == pytest.approx(goldens[case]["exact.rsa"]["value"], rel=1e-9)
    assert got == pytest.approx(goldens[case]["rsa.parc_full"]["value"], rel=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1024, 4096), (60, 130), (400, 1)])
def test_many_images_are_counted_in_tiles(monkeypatch, height, width):
    features, reference = draw(400, 24, 16)
    whole = score(features, reference)
    monkeypatch.setattr(_pairs, "EXACT", 5000)
    monkeypatch.setattr(_pairs, "_HEIGHT", height)
    monkeypatch.setattr(_pairs, "_WIDTH", width)
    counted = score(features, reference)
    assert counted == pytest.approx(whole, abs=1e-3)
    assert counted != whole


def test_the_reference_itself_scores_highest():
    features, reference = draw(50, 20, 30)
    assert score(features, features) == pytest.approx(100)
    assert 0 < score(features, reference) < 100
    assert score(features, reference) == pytest.approx(score(reference, features), abs=1e-9)
    unrelated = np.random.default_rng(9).normal(size=(50, 30))
    assert abs(score(features, unrelated)) < 10


def test_shift_and_scale_of_dimensions_and_order_of_images_do_not_matter():
    features, reference = draw(50, 20, 30)
    before = score(features, reference)
    moved = features * np.linspace(0.01, 100, 20) + np.arange(20)
    assert score(moved, reference) == pytest.approx(before, abs=1e-7)
    order = np.random.default_rng(1).permutation(50)
    assert score(features[order], reference[order]) == pytest.approx(before, abs=1e-9)


def test_images_without_a_correlation_are_left_out():
    features, reference = draw(41, 10, 12)
    features[17] = np.delete(features, 17, axis=0).mean(axis=0)  # 0 once z-scored
    kept = np.arange(41) != 17
    with np.errstate(invalid="ignore"):
        z = [(x - x.mean(axis=0)) / x.std(axis=0) for x in (features, reference)]
    upper = np.triu_indices(40, k=1)
    wanted = spearmanr(*(np.corrcoef(x[kept])[upper] for x in z)).statistic
    assert score(features, reference) == pytest.approx(100 * wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("features", "reference", "reason"),
    [
        (np.zeros((6, 4)), np.eye(6), "fewer than three images have features"),
        (np.eye(6), np.arange(6.0)[:, None], "fewer than three images have features"),
        (np.eye(6), np.eye(6)[:, ::-1], "all pairs of images are equally alike"),
        (np.eye(6), None, "needs reference features"),
    ],
)
def test_undefined_is_declined(features, reference, reason):
    with pytest.raises(Declined, match=reason):
        score(features, reference)


def test_specification():
    metric = registry().make("metric", "rsa")
    assert isinstance(metric, RSA)
    assert metric.needed() == {"features", "reference"}
