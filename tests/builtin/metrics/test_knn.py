"""k-NN against a plain search with exact votes, reference values, duplicates and ties."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench import Declined, Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics.knn import KNN
from distbench_builtin.shared.numerics import neighbours as _neighbours

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")


def draw(n, d, classes=4, signal=0.5, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return KNN(**parameters).score(Probe(labels, features=features))


def distances_to(x, i, distance):
    if distance == "l2":
        return ((x - x[i]) ** 2).sum(axis=1)
    if distance == "cityblock":
        return np.abs(x - x[i]).sum(axis=1)
    lengths = np.sqrt((x**2).sum(axis=1))
    similarity = x @ x[i] / np.where(lengths * lengths[i] > 0, lengths * lengths[i], 1)
    both_nothing = (lengths == 0) & (lengths[i] == 0)
    return np.round(1 - np.where(both_nothing, 1, similarity), 10)


def plain(labels, features, k=1, distance="l2"):
    """One image after the other, votes as fractions."""
    x, right = np.asarray(features, np.float64), Fraction(0)
    for i in range(len(x)):
        away = distances_to(x, i, distance)
        others = [j for j in range(len(x)) if j != i]
        kth = sorted(away[others])[k - 1]
        nearer = [j for j in others if away[j] < kth * (1 - 1e-11)]
        tied = [j for j in others if abs(away[j] - kth) <= kth * 1e-11]
        votes: dict[int, Fraction] = {}
        for j in nearer:
            votes[labels[j]] = votes.get(labels[j], Fraction(0)) + 1
        for j in tied:
            share = Fraction(k - len(nearer), len(tied))
            votes[labels[j]] = votes.get(labels[j], Fraction(0)) + share
        winners = [c for c in votes if votes[c] == max(votes.values())]
        right += Fraction(labels[i] in winners, len(winners))
    return float(100 * right / len(x))


@pytest.mark.parametrize("distance", ["l2", "cosine", "cityblock"])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(("n", "d"), [(60, 3), (40, 90), (90, 12)])
def test_equals_the_plain_form(n, d, k, distance):
    labels, features = draw(n, d)
    got = score(labels, features, k=k, distance=distance)
    assert got == pytest.approx(plain(labels, features, k, distance), abs=1e-9)


@pytest.mark.parametrize("distance", ["l2", "cosine", "cityblock"])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_equals_the_plain_form_with_duplicates_and_ties(k, distance):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, size=80)
    for values, d in ((2, 4), (3, 3), (9, 2)):
        grid = rng.integers(0, values, size=(80, d)).astype(np.float64)
        got = score(labels, grid, k=k, distance=distance)
        assert got == pytest.approx(plain(labels, grid, k, distance), abs=1e-9)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=4, max_size=14))
@settings(deadline=None, max_examples=60)
def test_equals_the_plain_form_on_a_line(points):
    features = np.array([[place] for place, _ in points], dtype=np.float64)
    labels = np.array([label for _, label in points])
    labels[:2] = 0, 1
    for k in (1, 2, 3):
        got = score(labels, features, k=k)
        assert got == pytest.approx(plain(labels, features, k), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case, goldens, golden_inputs):
    values = goldens[case]
    inputs = golden_inputs(case)
    labels, features = inputs["labels"], inputs["features"]
    assert score(labels, features) == values["exact.knn1_l2"]["value"]
    for distance in ("cosine", "cityblock"):
        wanted = values[f"knn.parc_k1_{distance}"]["value"]
        assert score(labels, features, distance=distance) == pytest.approx(wanted, abs=1e-9)
    # With three votes all different, a share of 1/3 is what the authors' k predictions come to.
    assert score(labels, features, k=3) == pytest.approx(values["knn.parc_k3_l2"]["value"])


def test_by_hand():
    line = np.array([[0], [1], [3], [7.0]])  # nearest: 1, 0, 1, 2
    assert score([0, 0, 1, 1], line) == 75
    # Votes of the two nearest: 01 -> shared, 01 -> shared, 00 -> wrong, 01 -> shared.
    assert score([0, 0, 1, 1], line, k=2) == 37.5
    assert score([0, 0, 1, 1], line, k=3) == 0


def test_duplicates_are_neighbours_and_the_image_itself_is_not():
    pairs = np.repeat(np.random.default_rng(0).normal(size=(20, 8)), 2, axis=0)
    assert score(np.repeat(np.arange(20) % 3, 2), pairs) == 100
    assert score(np.arange(40) % 2, pairs) == 0
    assert score(np.arange(40) % 2, np.zeros((40, 3))) == 0  # one more of the other class
    assert score(np.arange(40) % 2, np.zeros((40, 3)), distance="cosine") == 0
    unequal = np.repeat([0, 1], [10, 20])
    assert score(unequal, np.ones((30, 3))) == pytest.approx(100 * 20 / 30)


def test_neighbours_at_one_distance_share_the_vote_in_any_order():
    labels = np.array([0, 1, 1, 2])
    star = np.array([[0, 0], [1, 0], [0, 1], [0, -1.0]])  # the first sees the others alike
    wanted = plain(labels, star)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        assert score(labels[order], star[order]) == wanted
        assert score(3 - labels[order], star[order]) == wanted
    assert score(np.array([0, 0, 1]), np.array([[0], [1], [-1.0]])) == pytest.approx(50)


@pytest.mark.parametrize("offset", [0, 1e3, 1e8])
def test_nothing_cancels_far_from_the_origin(offset):
    labels, features = draw(200, 6)
    grid = np.round(features * 64) / 64
    assert score(labels, grid + offset) == score(labels, grid)
    assert score(labels, grid) == pytest.approx(plain(labels, grid), abs=1e-9)


@pytest.mark.parametrize("spread", [1e-3, 1e-6])
def test_nothing_cancels_within_collapsed_classes(spread):
    labels, features = draw(300, 20, classes=6)
    centres = np.random.default_rng(7).normal(size=(2, 20))[labels % 2]
    near = centres + spread * features
    assert score(labels, near) == pytest.approx(plain(labels, near), abs=1e-9)
    assert score(labels, near, k=4) == pytest.approx(plain(labels, near, k=4), abs=1e-9)


@pytest.mark.parametrize("k", [1, 3])
def test_many_images_are_compared_in_tiles(monkeypatch, k):
    labels, features = draw(300, 12)
    features[:40] = features[40:80]
    whole = score(labels, features, k=k)
    assert whole == pytest.approx(plain(labels, features, k), abs=1e-9)
    for tile in (299, 64, 7):
        monkeypatch.setattr(_neighbours, "_TILE", tile)
        assert score(labels, features, k=k) == whole
    monkeypatch.setattr(_neighbours, "_CROWD", 0)  # float64 from the start
    assert score(labels, features, k=k) == whole


@pytest.mark.parametrize("distance", ["l2", "cosine"])
def test_scale_and_rotation_change_nothing(distance):
    labels, features = draw(80, 10)
    before = score(labels, features, distance=distance)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(10, 10)))[0]
    for moved in (1e-60 * features, 1e130 * features, features @ turn):
        assert score(labels, moved, distance=distance) == before
    single = features.astype(np.float32)
    assert score(labels, single, distance=distance) == score(
        labels, single.astype(np.float64), distance=distance
    )


def test_too_few_images_are_declined():
    with pytest.raises(Declined, match="5 neighbours need more than 5 images, got 4"):
        score([0, 0, 1, 1], np.eye(4), k=5)


def test_specification():
    metric = registry().make("metric", "knn:k=3,distance=cosine")
    assert isinstance(metric, KNN)
    assert (metric.k, metric.distance) == (3, "cosine")
    assert metric.needed() == {"features"}
    with pytest.raises(UsageError, match="greater than or equal to 1"):
        registry().make("metric", "knn:k=0")
