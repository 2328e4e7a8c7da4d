"""PARC against a plain implementation with SciPy, reference values, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from distbench import ArgumentError, Declined, Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics.parc import PARC
from distbench_builtin.shared.numerics import pairs as _pairs

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=4, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return PARC(**parameters).score(Probe(labels, features=features))


def zscored(features):
    x = np.asarray(features, dtype=np.float64)
    constant = np.ptp(x, axis=0) == 0
    return np.where(constant, 0, (x - x.mean(axis=0)) / np.where(constant, 1, x.std(axis=0)))


def plain(labels, features, decimals=12):
    """All pairs at once; label distances are 0 or 1, correlations rounded: equal ones tie."""
    upper = np.triu_indices(len(labels), k=1)
    with np.errstate(invalid="ignore"):  # an image that is constant has no correlation
        distances = np.round(1 - np.corrcoef(zscored(features))[upper], decimals)
    other = (labels[:, None] != labels)[upper]
    defined = np.isfinite(distances)
    return 100 * spearmanr(distances[defined], other[defined]).statistic


@pytest.mark.parametrize(
    ("n", "d", "classes"), [(8, 5, 3), (60, 20, 2), (40, 90, 5), (111, 30, 37)]
)
def test_equals_the_plain_form(n, d, classes):
    labels, features = draw(n, d, classes)
    assert score(labels, features) == pytest.approx(plain(labels, features), abs=1e-9)
    shy = features.astype(np.float32)
    assert score(labels, shy) == pytest.approx(plain(labels, shy), abs=1e-9)


def test_equals_the_plain_form_of_unbalanced_classes():
    labels = np.repeat([2, 5, 7, 9], [1, 2, 30, 7])
    features = np.random.default_rng(0).exponential(size=(40, 16)) + 0.1 * labels[:, None]
    assert score(labels, features) == pytest.approx(plain(labels, features), abs=1e-9)


def test_equals_the_plain_form_with_ties():
    labels, features = draw(30, 12)
    twice = np.vstack([features, features, features[:5]])
    again = np.concatenate([labels, (labels + 1) % 4, labels[:5]])
    assert score(again, twice) == pytest.approx(plain(again, twice), abs=1e-9)
    flags = np.random.default_rng(3).integers(0, 2, size=(50, 4)).astype(np.float64)
    labels = np.arange(50) % 3
    assert score(labels, flags) == pytest.approx(plain(labels, flags), abs=1e-9)


@pytest.mark.parametrize("classes", [2, 10, 200])
@pytest.mark.parametrize(("height", "width"), [(1024, 4096), (60, 130), (400, 1)])
def test_many_images_are_counted_in_tiles(monkeypatch, classes, height, width):
    labels, features = draw(400, 24, classes)
    features[:50] = features[50:100]
    whole = score(labels, features)
    monkeypatch.setattr(_pairs, "EXACT", 5000)
    monkeypatch.setattr(_pairs, "_HEIGHT", height)
    monkeypatch.setattr(_pairs, "_WIDTH", width)
    counted = score(labels, features)
    assert counted == pytest.approx(whole, abs=1e-3)
    assert counted != whole
    assert score(labels, features.astype(np.float32).astype(np.float64)) == score(
        labels, features.astype(np.float32)
    )


def test_many_images_of_collapsed_classes_tie(monkeypatch):
    labels = np.arange(300) % 7
    features = np.random.default_rng(0).normal(size=(7, 40))[labels]
    whole = score(labels, features)
    assert whole == pytest.approx(plain(labels, features), abs=1e-9)
    monkeypatch.setattr(_pairs, "EXACT", 0)
    assert score(labels, features) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case, goldens, golden_inputs):
    inputs = golden_inputs(case)
    got = score(inputs["labels"], inputs["features"])
    assert got == pytest.approx(goldens[case]["exact.parc"]["value"], rel=1e-9)


def test_round_off_of_the_label_distances_breaks_no_ties():
    labels, features = draw(148, 30, classes=37)
    got = score(labels, features)
    upper = np.triu_indices(148, k=1)
    published = [
        100
        * spearmanr(
            1 - np.corrcoef(zscored(features))[upper],
            1 - np.corrcoef(np.eye(37)[names[labels]])[upper],
        ).statistic
        for names in (np.random.default_rng(seed).permutation(37) for seed in range(3))
    ]
    assert got == pytest.approx(plain(labels, features), abs=1e-9)
    assert len({round(value, 3) for value in published}) > 1
    assert max(published) < got - 0.5


def test_by_hand():
    # z-scored rows (-1, 1), (-1, 1), (1, -1), (1, -1): correlations 1 within 0-1 and 2-3, else -1.
    features = np.array([[0, 3], [0, 3], [2, 1], [2, 1.0]])
    assert score([0, 0, 1, 1], features) == pytest.approx(100)
    assert score([0, 1, 0, 1], features) == pytest.approx(-50)


def test_names_and_order_of_classes_and_images_do_not_matter():
    labels, features = draw(111, 30, classes=37)
    rng = np.random.default_rng(1)
    names, order = rng.permutation(100)[:37], rng.permutation(111)
    assert score(names[labels], features) == score(labels, features)
    assert score(labels[order], features[order]) == pytest.approx(score(labels, features), abs=1e-9)


def test_shift_and_scale_of_dimensions_do_not_matter():
    labels, features = draw(60, 20)
    moved = features * np.linspace(0.01, 100, 20) + np.arange(20)
    assert score(labels, moved) == pytest.approx(score(labels, features), abs=1e-7)


def test_constant_dimensions_become_zero():
    labels, features = draw(60, 20)
    features[:, 4] = 0.1
    features[:, 9] = 0
    assert score(labels, features) == pytest.approx(plain(labels, features), abs=1e-9)


def test_images_without_a_correlation_are_left_out():
    labels, features = draw(41, 10)
    features[17] = np.delete(features, 17, axis=0).mean(axis=0)  # 0 once z-scored
    z = zscored(features)
    assert np.abs(z[17]).max() < 1e-12
    kept = np.arange(41) != 17
    upper = np.triu_indices(40, k=1)
    rest = labels[kept]
    wanted = spearmanr(1 - np.corrcoef(z[kept])[upper], (rest[:, None] != rest)[upper]).statistic
    assert score(labels, features) == pytest.approx(100 * wanted, abs=1e-9)


def test_separated_classes_score_highest_and_noise_about_zero():
    labels, features = draw(60, 20, classes=3)
    collapsed = np.random.default_rng(5).normal(size=(3, 20))[labels]
    assert score(labels, collapsed) > score(labels, features)
    assert abs(score(*draw(200, 20, signal=0))) < 2
    # Two points only: correlations take two values, as the label distances do.
    two = labels % 2
    assert score(two, np.random.default_rng(5).normal(size=(2, 20))[two]) == pytest.approx(100)


@pytest.mark.parametrize("shape", [(60, 20), (40, 90)])
def test_principal_components_are_exact_with_fixed_signs(shape):
    labels, features = draw(*shape)
    centred = features - features.mean(axis=0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(6), np.abs(right[:6]).argmax(axis=1)])
    components = left[:, :6] * sizes[:6] * signs
    got = score(labels, features, dims=6)
    assert got == pytest.approx(plain(labels, components), abs=1e-6)
    order = np.random.default_rng(0).permutation(shape[1])
    assert score(labels, features[:, order], dims=6) == pytest.approx(got, abs=1e-6)
    flipped = plain(labels, components * [1, -1, 1, 1, -1, 1])
    assert got != pytest.approx(flipped, abs=0.1)


def test_components_that_do_not_vary_are_dropped():
    labels, features = draw(40, 5)
    wide = features @ np.random.default_rng(1).normal(size=(5, 70))
    assert score(labels, wide, dims=32) == pytest.approx(score(labels, wide, dims=5), abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "features", "reason"),
    [
        (np.arange(9), np.eye(9), "no two images share a class"),
        (np.arange(9) % 3, np.ones((9, 4)), "no image has features that vary"),
        (np.arange(9) % 3, np.arange(9.0)[:, None], "no image has features that vary"),
        (np.array([0, 1, 1]), np.array([[1, -2], [-1, 2], [0, 0.0]]), "share no class"),
        (np.array([0, 0, 1]), np.eye(3), "all images correlate alike"),
    ],
)
def test_undefined_is_declined(labels, features, reason):
    with pytest.raises(Declined, match=reason):
        score(labels, features)


@pytest.mark.parametrize(
    ("labels", "features", "reason"),
    [
        (np.zeros(9, int), np.eye(9), "at least two classes"),
        (np.arange(9) % 3, np.full((9, 4), np.inf), "must be finite"),
    ],
)
def test_what_is_no_probe_is_refused(labels, features, reason):
    with pytest.raises(ArgumentError, match=reason):
        score(labels, features)


@pytest.mark.parametrize("features", [np.zeros((9, 4)), np.arange(9.0)[:, None] * np.ones((1, 4))])
def test_undefined_components_are_declined(features):
    with pytest.raises(Declined, match="no image has features that vary"):
        score(np.arange(9) % 3, features, dims=2)


def test_specification():
    metric = registry().make("metric", "parc:dims=32")
    assert isinstance(metric, PARC)
    assert metric.dims == 32
    assert metric.needs == {"features"}
    assert PARC().dims is None
    with pytest.raises(UsageError, match=r"dims='1' will not do: .*greater than or equal to 2"):
        registry().make("metric", "parc:dims=1")
