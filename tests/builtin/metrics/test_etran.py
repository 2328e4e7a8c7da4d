"""ETran's terms by hand, its discriminant by eigenvectors, and what the authors' code computes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.special import softmax

from distbench import Declined, Probe
from distbench_builtin.metrics.etran import ETran
from distbench_builtin.shared.numerics.lda import discriminant


def draw(n, d, classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    return labels, rng.normal(size=(n, d)) + signal * rng.normal(size=(classes, d))[labels]


def score(labels, features, **parameters):
    return ETran(**parameters).score(Probe(labels, features=features))


@pytest.mark.parametrize("case", ["small_relu", "wide_n_lt_d", "imbalanced"])
@pytest.mark.parametrize(
    ("key", "part"),
    [("lda.etran", "lda"), ("energy.etran", "energy"), ("etran.lda_plus_energy", "both")],
)
def test_values_of_the_authors_code(goldens, golden_inputs, case, key, part):
    wanted = goldens[case][key]
    inputs = golden_inputs(case)
    labels, features = inputs["labels"], inputs["features"]
    if wanted["value"] == "nan":
        with pytest.raises(Declined, match=r"the lowest 0.005 of the images, which is none of 120"):
            score(labels, features, formula="authors", part=part)
    else:
        got = score(labels, features, formula="authors", part=part)
        assert got == pytest.approx(wanted["value"], rel=1e-6)


def authors(labels, x, s):
    """The authors' steps: a solver for symmetric matrices is given one that is not."""
    shares = np.bincount(labels) / len(x)
    means = np.array([x[labels == c].mean(axis=0) for c in range(len(shares))])
    within = (x - means[labels]).T @ (x - means[labels]) / len(x)

    def shrunk(matrix):
        return (1 - s) * matrix + s * np.trace(matrix) / len(matrix) * np.eye(len(matrix))

    between = shrunk(np.cov(x.T, bias=True)) - shrunk(within)
    _, wrong = np.linalg.eigh(np.linalg.inv(shrunk(within)) @ between)
    _, right = eigh(between, shrunk(within))
    for vectors in (wrong, right):
        weights = means @ vectors @ vectors.T
        logits = x @ weights.T - (means * weights).sum(axis=1) / 2 + np.log(shares)
        yield softmax(logits, axis=1)[np.arange(len(x)), labels].mean()


@pytest.mark.parametrize("scale", [0.1, 1])
def test_the_authors_discriminant_is_the_nearest_mean(scale):
    labels, features = draw(70, 9, signal=0.4)
    x = scale * features @ np.diag(np.linspace(0.2, 2, 9))
    s = discriminant(Probe(labels, features=x)).shrinkage
    wrong, right = authors(labels, x, s)
    assert score(labels, x, part="lda", formula="authors") == pytest.approx(wrong, rel=1e-9)
    assert score(labels, x, part="lda") == pytest.approx(right, rel=1e-9)
    assert abs(right - wrong) > 0.01


def test_energy_by_hand():
    features = np.log([[1.0, 2.0], [3.0, 5.0], [1.0, 1.0], [7.0, 1.0]])
    energies = np.log([3.0, 8.0, 2.0, 8.0])
    labels = [0, 0, 1, 1]
    assert score(labels, features, part="energy") == pytest.approx(energies.mean())
    lowest = score(labels, features, part="energy", share=0.5)
    assert lowest == pytest.approx(np.log(6) / 2)
    assert score(labels, features, part="energy", share=0.01) == pytest.approx(np.log(2))
    chosen = score(labels, features, part="energy", formula="authors", share=0.75)
    assert chosen == pytest.approx(np.log([2, 3, 8]).mean())
    with pytest.raises(Declined, match=r"the lowest 0.2 of the images, which is none of 4"):
        score(labels, features, part="energy", formula="authors", share=0.2)


@pytest.mark.parametrize("formula", ["paper", "authors"])
def test_the_score_is_the_sum_of_its_parts(formula):
    labels, features = draw(400, 6)
    both, *parts = (
        score(labels, features, formula=formula, part=part) for part in ("both", "energy", "lda")
    )
    assert both == pytest.approx(sum(parts), rel=1e-12)


def test_shift_moves_the_energy_only():
    labels, features = draw(60, 6)
    energy = score(labels, features, part="energy")
    assert score(labels, features + 3, part="energy") == pytest.approx(energy + 3, rel=1e-12)
    lda = score(labels, features, part="lda")
    assert score(labels, features + 3, part="lda") == pytest.approx(lda, rel=1e-9)


def test_large_features_do_not_overflow():
    labels, features = draw(60, 6)
    assert score(labels, 1e5 * features, part="energy") == pytest.approx(
        (1e5 * features).max(axis=1).mean(), rel=1e-6
    )


def test_classes_without_spread_are_declined():
    labels = np.arange(8) % 2
    with pytest.raises(Declined, match="features of a class are all equal"):
        score(labels, np.eye(2)[labels])
    assert score(labels, np.eye(2)[labels], part="energy") == pytest.approx(np.log(np.e + 1))
