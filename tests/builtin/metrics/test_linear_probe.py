"""The linear probe against scikit-learn's regression, its folds, and its invariances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from distbench import Declined, Probe
from distbench_builtin.metrics.linear_probe import LinearProbe, _deal, _fit
from distbench_builtin.shared.numerics.pca import principal


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return LinearProbe(**parameters).score(Probe(labels, features=features))


@pytest.mark.parametrize("penalty", [1e-2, 1e-4])
@pytest.mark.parametrize(("n", "d"), [(90, 6), (40, 70)])
def test_the_fit_is_logistic_regression(n, d, penalty):
    labels, features = draw(n, d, signal=0.5)
    rows = principal(Probe(labels, features=features)).scores
    model = LogisticRegression(C=1 / (penalty * n), tol=1e-9, max_iter=10000).fit(rows, labels)
    both = _fit(rows, labels, penalty, np.zeros((rows.shape[1] + 1, 3)))
    weights, bias = both[:-1], both[-1]
    expected = model.predict_proba(rows)
    logits = rows @ weights + bias
    got = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize(("n", "d", "classes"), [(60, 8, 3), (40, 60, 4), (50, 3, 2)])
def test_equals_cross_validation_in_all_dimensions(n, d, classes):
    labels, features = draw(n, d, classes, signal=0.3)
    x = features - features.mean(axis=0)
    x /= np.sqrt((x**2).sum(axis=1).mean())
    fold = np.empty(n, dtype=int)
    for c in range(classes):
        members = np.flatnonzero(labels == c)
        fold[members[np.argsort((x[members] ** 2).sum(axis=1))]] = np.arange(len(members)) % 5
    right = 0
    for left_out in range(5):
        train, test = fold != left_out, fold == left_out
        # With two classes theirs is one vector w, which stands for w/2 and -w/2.
        strength = (2 if classes == 2 else 1) / (1e-2 * train.sum())
        model = LogisticRegression(C=strength, tol=1e-8, max_iter=10000)
        right += (model.fit(x[train], labels[train]).predict(x[test]) == labels[test]).sum()
    got = score(labels, features, penalty=1e-2)
    assert got == pytest.approx(100 * right / n)
    assert 100 / classes < got < 100


def test_images_are_dealt_within_their_class():
    labels = np.array([0] * 7 + [1] * 3 + [2])
    probe = Probe(labels, features=np.random.default_rng(0).normal(size=(11, 4)))
    fold = _deal(probe, principal(probe).scores, 5)
    assert np.bincount(fold[:7]).tolist() == [2, 2, 1, 1, 1]
    assert sorted(fold[7:10]) == [0, 1, 2]
    assert fold[10] == -1


def test_an_image_alone_in_its_class_does_not_count():
    labels, features = draw(40, 5, classes=2, signal=4)
    assert score(labels, features) == 100
    alone = np.append(labels, 2)
    assert score(alone, np.vstack([features, features.mean(axis=0) + 50])) == 100


@pytest.mark.parametrize("shape", [(60, 12), (40, 90)])
def test_invariances(shape):
    labels, features = draw(*shape, signal=0.3)
    before = score(labels, features)
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(shape[1], shape[1])))[0]
    order = rng.permutation(shape[0])
    assert score(labels, 100 * features @ turn + 3) == before
    assert score(labels[order], features[order]) == before
    assert score(np.array([7, 2, 5])[labels], features) == before
    assert score(labels, np.hstack([features, features, np.ones((len(features), 3))])) == before


def test_order_of_images_that_are_equally_far_from_the_mean_changes_nothing():
    labels = np.arange(48) % 2
    features = np.eye(12)[np.arange(48) // 4] * np.where(np.arange(48) // 2 % 2, 1, -1)[:, None]
    before = score(labels, features)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(48)
        assert score(labels[order], features[order]) == before


def test_ties_count_in_part():
    # The classes have the same images, so nothing tells them apart.
    half = np.random.default_rng(0).normal(size=(10, 3))
    assert score(np.repeat([0, 1], 10), np.vstack([half, half])) == pytest.approx(50)


def test_better_features_score_higher():
    scores = [score(*draw(120, 10, signal=signal)) for signal in (0, 0.4, 0.8, 3)]
    assert scores == sorted(scores)
    assert scores[0] < 50
    assert scores[-1] > 99


def test_noise_in_many_dimensions_is_no_better_than_chance():
    assert score(*draw(200, 400, classes=4, signal=0)) == pytest.approx(25, abs=10)


def test_declined():
    with pytest.raises(Declined, match="all images have the same features"):
        score([0, 1, 0, 1], np.zeros((4, 3)))
    with pytest.raises(Declined, match="no two images share a class, so none can be left out"):
        score([0, 1, 2], np.eye(3))
