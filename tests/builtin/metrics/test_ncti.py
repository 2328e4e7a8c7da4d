"""NCTI's parts against scikit-learn's discriminant, and how they are compared over a zoo."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from distbench import Declined, Probe
from distbench_builtin.metrics.ncti import NCTI, components


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def probe(*shape, **options):
    labels, features = draw(*shape, **options)
    return Probe(labels, features=features)


def discriminant(labels, features):
    """The parts by scikit-learn, and whether it shrinks."""
    pca = PCA(min(64, *features.shape), svd_solver="full")
    x = pca.fit_transform(features)
    x[:, pca.explained_variance_ < 1e-12 * pca.explained_variance_[0]] = 0  # is round-off
    shrinkage = np.exp(-pca.explained_variance_[:32].sum())
    if shrinkage > 1e-10:
        model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=float(shrinkage))
    else:
        model = LinearDiscriminantAnalysis(solver="svd")
    low = model.fit_transform(x, labels)
    low -= low.mean(axis=0)
    posterior = model.predict_proba(x)
    own = posterior[np.arange(len(x)), labels].mean()
    compact = sum(np.linalg.norm(posterior[labels == c], "nuc") for c in np.unique(labels))
    return (np.linalg.norm(low, "nuc"), own, np.log(compact)), shrinkage > 1e-10


@pytest.mark.parametrize(("scale", "shrinks"), [(0.05, True), (0.3, True), (3, False)])
@pytest.mark.parametrize(("n", "d", "classes"), [(90, 70, 4), (40, 12, 3), (60, 200, 2)])
def test_parts_are_those_of_the_discriminant(n, d, classes, scale, shrinks):
    labels, features = draw(n, d, classes, signal=0.3)
    features *= scale * np.sqrt(32 / d)
    expected, shrunk = discriminant(labels, features)
    assert shrunk == shrinks
    got = components(Probe(labels, features=features))
    np.testing.assert_allclose(got, expected, rtol=1e-8)


def test_components_that_do_not_vary_keep_their_part_in_the_mean_variance():
    labels, features = draw(80, 10)
    wide = 0.1 * np.hstack([features, np.zeros((80, 70))])
    expected, shrunk = discriminant(labels, wide)
    assert shrunk
    np.testing.assert_allclose(components(Probe(labels, features=wide)), expected, rtol=1e-8)


@pytest.mark.parametrize(
    # The reference's PCA draws at random where a side is above 500.
    ("case", "rel"),
    [("small_relu", 1e-6), ("imbalanced", 5e-3), ("wide_n_lt_d", 1e-2)],
)
def test_reference_values(goldens, golden_inputs, case, rel):
    wanted = goldens[case]["ncti.components"]
    inputs = golden_inputs(case)
    got = components(Probe(inputs["labels"], features=inputs["features"]))
    assert got._asdict() == pytest.approx(wanted["value"], rel=rel)
    if case == "small_relu":
        assert got._asdict() == pytest.approx(wanted["float64_input"], rel=1e-9)


def test_score_is_the_sum_of_scaled_parts():
    zoo = [probe(200, 70, signal=signal) for signal in (0, 0.1, 0.2, 0.5)]
    parts = np.array([components(one) for one in zoo])
    scaled = (parts - parts.min(axis=0)) / (parts.max(axis=0) - parts.min(axis=0))
    expected = scaled[:, 0] + scaled[:, 1] - scaled[:, 2]
    got = NCTI().score_all(zoo)
    assert got == pytest.approx(expected.tolist(), rel=1e-12)
    assert got == sorted(got)
    assert -1 <= got[0] < 0 < got[-1] <= 2


def test_a_declined_source_does_not_count():
    zoo = [probe(60, 70, signal=signal) for signal in (0, 0.5, 1)]
    labels = zoo[0].labels
    flat = Probe(labels, features=np.ones((60, 5)))
    scores = NCTI().score_all([zoo[0], flat, zoo[1], zoo[2]])
    assert isinstance(scores[1], Declined)
    assert str(scores[1]).startswith("features of a class are all equal")
    del scores[1]
    assert scores == NCTI().score_all(zoo)
    assert [type(one) for one in NCTI().score_all([flat, flat])] == [Declined, Declined]


def test_sources_that_are_equal_score_0():
    one = probe(60, 70)
    order = np.random.default_rng(0).permutation(70)
    twin = Probe(one.labels, features=one.features[:, order])
    assert NCTI().score_all([one]) == [0]
    assert NCTI().score_all([one, twin]) == [0, 0]
    assert NCTI().score_all([]) == []


def test_a_part_that_is_equal_counts_0():
    # Far apart as the classes are, all images are certain: only the nuclear norm tells.
    zoo = [probe(60, 10, signal=signal) for signal in (100, 200)]
    assert NCTI().score_all(zoo) == pytest.approx([0, 1])


def test_a_single_source_has_no_score():
    with pytest.raises(Declined, match=r"compares the sources of a zoo: use `distbench.rank`"):
        NCTI().score(probe(60, 70))
    assert NCTI().needed() == {"features", "zoo"}


def test_classes_with_one_mean_are_told_apart_by_nothing():
    half = np.random.default_rng(0).normal(size=(20, 3))
    labels = np.repeat([0, 1], 20)
    for scale in (1, 20):
        got = components(Probe(labels, features=scale * np.vstack([half, half])))
        assert got.all_nuc == 0
        assert got.cls_score == pytest.approx(0.5)
        assert got.log_class_nuc == pytest.approx(np.log(2 * np.sqrt(10)))
