"""Hadamard matrices, levelling rotations and PHI-S by what they are to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import hadamard as sylvester

from distbench_builtin.shared.methods import phi_s as _phi_s
from distbench_builtin.shared.methods.phi_s import PhiS, hadamard, levelling


@pytest.mark.parametrize("n", [1, 2, 4, 8, 12, 20, 24, 40, 64, 96, 192, 320, 384, 512, 640, 768])
def test_rows_are_orthogonal_and_all_entries_1_or_minus_1(n: int) -> None:
    matrix = hadamard(n)
    assert matrix is not None and matrix.shape == (n, n)
    np.testing.assert_array_equal(np.abs(matrix), 1)
    np.testing.assert_array_equal(matrix @ matrix.T, n * np.eye(n))


def test_sixteen_rows_are_doubled_eights() -> None:
    # 15 is no prime: 16 is twice 8, and 8 is Paley's of 7.
    matrix, eight = hadamard(16), hadamard(8)
    assert matrix is not None and eight is not None
    np.testing.assert_array_equal(matrix, np.kron(sylvester(2), eight))


@pytest.mark.parametrize("n", [3, 6, 10, 28, 36, 50, 1000 + 2])
def test_none_where_the_constructions_have_none(n: int) -> None:
    assert hadamard(n) is None


@pytest.mark.parametrize("n", [1, 2, 3, 7, 36])
@pytest.mark.parametrize("kind", ["spread", "equal", "one"])
def test_levelling_puts_the_mean_everywhere(n: int, kind: str) -> None:
    values = {
        "spread": np.random.default_rng(n).gamma(0.3, size=n),
        "equal": np.full(n, 2.5),
        "one": np.eye(1, n)[0],
    }[kind]
    rotation = levelling(values)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(n), atol=1e-12)
    level = (rotation @ np.diag(values) @ rotation.T).diagonal()
    np.testing.assert_allclose(level, values.mean(), rtol=1e-9)


@pytest.mark.parametrize("d", [5, 8, 12])
@pytest.mark.parametrize("count", [4, 200])
def test_all_dimensions_vary_alike_and_proportions_are_kept(
    d: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_phi_s, "_BLOCK", 13)
    draw = np.random.default_rng(d)
    x = (draw.normal(size=(count + 3, d)) * draw.gamma(1, 4, size=d) + 20).astype(np.float32)
    rows = np.arange(2, count + 2)
    parts = [(x, rows[: count // 2]), (x, rows[count // 2 :])]
    found = PhiS(parts)(torch.from_numpy(x[rows])).numpy()
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(found.var(0), 1, rtol=1e-3)
    centred = x[rows].astype(np.float64) - x[rows].mean(0)
    phi = centred.var(0).mean() ** 0.5
    np.testing.assert_allclose(found @ found.T, centred @ centred.T / phi**2, atol=1e-2)


def test_features_that_are_all_equal_are_0() -> None:
    x = np.full((6, 4), 3.0, dtype=np.float32)
    assert not PhiS([(x, np.arange(6))])(torch.from_numpy(x)).any()


def test_half_precision_around_it_changes_nothing() -> None:
    x = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    balance = PhiS([(x, np.arange(9))])
    exact = balance(torch.from_numpy(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(balance(torch.from_numpy(x)), exact)
