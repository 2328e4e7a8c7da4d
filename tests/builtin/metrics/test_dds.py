"""DDS against dense centred matrices, reference values, and its undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from distbench import Declined, Probe, UsageError
from distbench.plugins.registry import registry
from distbench_builtin.metrics import dds
from distbench_builtin.metrics.dds import DDS

CASES = ("small_relu", "wide_n_lt_d", "imbalanced", "edge_gap")
DISTANCES = ("cosine", "pearson", "laplacian")


def draw(n, d, r, seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.exponential(size=(n, 6))
    features = hidden @ rng.normal(size=(6, d)) + rng.normal(size=(n, d))
    return features, hidden @ rng.normal(size=(6, r)) + rng.normal(size=(n, r))


def score(features, reference, **parameters):
    probe = Probe(np.arange(len(features)) % 2, features=features, reference=reference)
    return DDS(**parameters).score(probe)


def dense(features, reference, distance):
    """Both distance matrices, centred by their definition, entry by entry."""
    sides = []
    for x in (features, reference):
        x = np.asarray(x, np.float64)
        constant = np.ptp(x, axis=0) == 0
        z = np.where(constant, 0, (x - x.mean(axis=0)) / np.where(constant, 1, x.std(axis=0)))
        if distance == "laplacian":
            matrix = 1 - np.exp(-cdist(z, z, "cityblock") / z.shape[1])
        else:
            z = z - z.mean(axis=1, keepdims=True) if distance == "pearson" else z
            z = z / np.linalg.norm(z, axis=1, keepdims=True)
            matrix = 1 - z @ z.T
        n = len(matrix)
        np.fill_diagonal(matrix, 0)
        rows, total = matrix.sum(axis=1), matrix.sum()
        centred = matrix - (rows[:, None] + rows) / (n - 2) + total / ((n - 1) * (n - 2))
        np.fill_diagonal(centred, 0)
        np.testing.assert_allclose(centred.sum(axis=0), 0, atol=1e-10)
        sides.append(centred)
    a, b = sides
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(("n", "d", "r"), [(6, 5, 3), (60, 20, 30), (40, 90, 50), (30, 80, 7)])
def test_equals_the_dense_form(n, d, r, distance):
    features, reference = draw(n, d, r)
    wanted = dense(features, reference, distance)
    assert score(features, reference, distance=distance) == pytest.approx(wanted, abs=1e-10)
    single = features.astype(np.float32)
    wanted = dense(single, reference, distance)
    assert score(single, reference, distance=distance) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("distance", DISTANCES)
def test_equals_the_dense_form_with_duplicates_and_constant_dimensions(distance):
    features, reference = draw(30, 12, 8)
    features, reference = np.vstack([features, features]), np.vstack([reference, reference])
    features[:, 3], reference[:, 0] = 0.1, 7
    wanted = dense(features, reference, distance)
    assert score(features, reference, distance=distance) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("case", CASES)
def test_reference_values(case, distance, goldens, golden_inputs):
    values = goldens[case]
    inputs = golden_inputs(case)
    got = score(inputs["features"], inputs["ref_features"], distance=distance)
    golden = values[f"dds.repo_znorm_{distance}"]  # computed in float32; in float64 beside it
    assert got == pytest.approx(golden["value"], rel=1e-5)
    assert got == pytest.approx(golden["float64_input"], rel=1e-9)
    if distance == "cosine":
        assert 100 * got == pytest.approx(values["dds.parc_full"]["float64_input"], rel=1e-9)


def test_laplacian_is_summed_in_blocks(monkeypatch):
    features, reference = draw(50, 20, 30)
    whole = score(features, reference, distance="laplacian")
    monkeypatch.setattr(dds, "_BLOCK", 350)
    in_blocks = score(features, reference, distance="laplacian")
    assert in_blocks == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
def test_range_symmetry_and_invariance(distance):
    features, reference = draw(60, 20, 30)
    before = score(features, reference, distance=distance)
    assert score(features, features, distance=distance) == pytest.approx(1)
    assert 0 < before < 1
    assert score(reference, features, distance=distance) == pytest.approx(before, abs=1e-12)
    moved = features * np.linspace(0.01, 100, 20) + np.arange(20)
    assert score(moved, reference, distance=distance) == pytest.approx(before, abs=1e-9)
    order = np.random.default_rng(1).permutation(60)
    shuffled = score(features[order], reference[order], distance=distance)
    assert shuffled == pytest.approx(before, abs=1e-12)
    unrelated = np.random.default_rng(9).normal(size=(60, 300))
    assert abs(score(features, unrelated, distance=distance)) < 0.2


@pytest.mark.parametrize("distance", ["cosine", "pearson"])
def test_images_without_a_similarity_are_left_out(distance):
    features, reference = draw(41, 10, 12)
    features[17] = np.delete(features, 17, axis=0).mean(axis=0)  # 0 once z-scored
    reference = (reference - reference.mean(axis=0)) / reference.std(axis=0)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    rows = []
    for x in (z, reference):
        x = np.delete(x, 17, axis=0)
        x = x - x.mean(axis=1, keepdims=True) if distance == "pearson" else x
        rows.append(x / np.linalg.norm(x, axis=1, keepdims=True))
    grams = [x @ x.T for x in rows]
    centring = []
    for gram in grams:
        np.fill_diagonal(gram, 0)
        sums = gram.sum(axis=1)
        gram = gram - (sums[:, None] + sums) / 38 + gram.sum() / (39 * 38)
        np.fill_diagonal(gram, 0)
        centring.append(gram.ravel())
    a, b = centring
    wanted = a @ b / np.sqrt((a @ a) * (b @ b))
    assert score(features, reference, distance=distance) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize(
    ("distance", "features", "reference", "reason"),
    [
        ("cosine", np.eye(3), np.eye(3), "at least 4 images, got 3"),
        ("laplacian", np.eye(3), np.eye(3), "at least 4 images, got 3"),
        ("cosine", np.zeros((6, 4)), np.eye(6), "fewer than 4 images have a cosine similarity"),
        ("pearson", np.arange(6.0)[:, None], np.eye(6), "fewer than 4 images have a pearson"),
        ("cosine", np.eye(6), np.eye(6), "the features set no pair of images apart"),
        (
            "laplacian",
            np.zeros((6, 4)),
            np.eye(6),
            "one of the models sets no pair",
        ),
        ("laplacian", np.eye(6), np.eye(6), "one of the models sets no pair"),
        ("cosine", np.eye(6), None, "needs reference features"),
    ],
)
def test_undefined_is_declined(distance, features, reference, reason):
    with pytest.raises(Declined, match=reason):
        score(features, reference, distance=distance)


def test_specification():
    metric = registry().make("metric", "dds:distance=laplacian")
    assert isinstance(metric, DDS)
    assert metric.distance == "laplacian"
    assert metric.needed() == {"features", "reference"}
    with pytest.raises(UsageError, match="cosine"):
        registry().make("metric", "dds:distance=euclidean")
