"""What holds for every metric: order, class numbers, dtypes and memory layout do not matter, and
degenerate features give a finite value or are declined, never a wrong number or a crash."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import distbench
from distbench import ArgumentError, Declined
from distbench.interfaces.metric import BEYOND
from distbench.plugins.registry import registry

ALL = sorted(registry().names("metric"))
# What reads names, images or modules is not scored from arrays.
METRICS = [name for name in ALL if not registry().load("metric", name).needs & BEYOND]
VARIANTS = [
    "cka:debiased=false",
    "cka:against=reference",
    "dds:distance=laplacian",
    "gbc:covariance=diagonal",
    "knn:k=3",
    "knn:distance=cosine",
    "logme:stopping=authors",
    "pactran:prior=gamma",
    "pactran:prior=gauss",
    "parc:dims=3",
    "transrate:weights=uniform",
]
EVERY = [*METRICS, *VARIANTS]
SLOW = {"linear_probe", "nleep", "pactran:prior=gauss", "pactran"}
QUICK = [name for name in EVERY if name not in SLOW]

ROTATION = ["cka", "etran", "gbc", "hscore", "hscore_shrinkage", "knn", "lfc", "logme", "ncti"]
ROTATION += ["linear_probe", "nleep", "ridge_loo", "transrate"]
SCALE = ["cka", "dds", "hscore", "hscore_shrinkage", "knn", "lfc", "logme", "parc", "ridge_loo"]
SCALE += ["rsa"]
SHIFT = ["cka", "dds", "gbc", "hscore", "hscore_shrinkage", "knn", "linear_probe", "ncti", "nleep"]
SHIFT += ["parc", "ridge_loo", "rsa", "transrate"]

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Drawn:
    """Features, outputs and labels of one source, and of two others for metrics of a zoo."""

    def __init__(self, seed: int, n: int, d: int, classes: int) -> None:
        rng = np.random.default_rng(seed)
        self.labels = rng.permutation(np.arange(n) % classes)
        self.features = self._signal(rng, d)
        self.logits = self._signal(rng, 7)
        self.reference = self._signal(rng, 5)
        self.others = [(self._signal(rng, d), self._signal(rng, 7)) for _ in range(2)]

    def _signal(self, rng: np.random.Generator, width: int) -> np.ndarray:
        centres = rng.normal(size=(self.labels.max() + 1, width))
        noise = rng.normal(size=(len(self.labels), width))
        return (centres[self.labels] + noise).astype(np.float32)


@st.composite
def draws(draw) -> Drawn:
    classes = draw(st.integers(2, 5))
    n = draw(st.integers(3 * classes, 40))
    return Drawn(draw(st.integers(0, 10**6)), n, draw(st.sampled_from([2, 5, 30, 90])), classes)


def value(metric: str, data: Drawn, *, rows=slice(None), labels=None, features=None) -> float | str:
    """The metric's value, or why it is declined."""
    first = data.features[rows] if features is None else features
    others = {f"o{i}": (f[rows], z[rows]) for i, (f, z) in enumerate(data.others)}
    found = distbench.rank(
        metric=[metric],
        strategy="equal",
        features={"a": first} | {name: f for name, (f, _) in others.items()},
        logits={"a": data.logits[rows]} | {name: z for name, (_, z) in others.items()},
        reference=data.reference[rows],
        labels=data.labels[rows] if labels is None else labels,
        source_info={
            name: {"parameters": 10**6 * (i + 1), "depth": 10 + i}
            for i, name in enumerate(("a", *others))
        },
    )
    (ranking,) = found.rankings
    return ranking.scores["a"] if "a" in ranking.scores else ranking.excluded["a"]


def same(a: float | str, b: float | str, rel: float = 1e-6) -> None:
    if isinstance(a, str) or isinstance(b, str):
        assert a == b
    else:
        assert a == pytest.approx(b, rel=rel, abs=rel * 0.01)


@pytest.mark.parametrize("metric", EVERY)
@few
@given(data=draws(), seed=st.integers(0, 99))
def test_the_order_of_images_does_not_matter(metric, data, seed):
    order = np.random.default_rng(seed).permutation(len(data.labels))
    same(value(metric, data), value(metric, data, rows=order))


@pytest.mark.parametrize("metric", EVERY)
@few
@given(data=draws(), seed=st.integers(0, 99))
def test_the_numbers_of_classes_do_not_matter(metric, data, seed):
    numbers = np.random.default_rng(seed).permutation(9)  # some of them go unused
    same(value(metric, data), value(metric, data, labels=numbers[data.labels]))


@pytest.mark.parametrize("metric", EVERY)
@few
@given(data=draws())
def test_float32_is_scored_as_its_float64_copy(metric, data):
    same(value(metric, data), value(metric, data, features=data.features.astype(np.float64)), 1e-12)


@pytest.mark.parametrize("metric", QUICK)
@few
@given(data=draws())
def test_memory_layout_does_not_matter_and_nothing_is_changed(metric, data):
    wide = np.zeros((len(data.labels), 2 * data.features.shape[1]), dtype=np.float32)
    wide[:, ::2] = data.features
    strided = wide[:, ::2]
    strided.flags.writeable = False
    before = strided.copy()
    fortran = np.asfortranarray(data.features)
    wanted = value(metric, data)
    same(wanted, value(metric, data, features=strided), 1e-12)
    same(wanted, value(metric, data, features=fortran), 1e-12)
    same(wanted, value(metric, data, features=torch.from_numpy(data.features)), 1e-12)
    assert (strided == before).all()


@pytest.mark.parametrize("metric", ROTATION)
@few
@given(data=draws(), seed=st.integers(0, 99))
def test_rotation_does_not_matter(metric, data, seed):
    if metric == "etran":
        pytest.skip("its energy term sums over dimensions")
    d = data.features.shape[1]
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    same(value(metric, data), value(metric, data, features=data.features.astype(float) @ turn))


@pytest.mark.parametrize("metric", SCALE)
@pytest.mark.parametrize("factor", [1e-4, 1e5])
@few
@given(data=draws())
def test_scale_does_not_matter(metric, factor, data):
    same(value(metric, data), value(metric, data, features=data.features.astype(float) * factor))


@pytest.mark.parametrize("metric", SHIFT)
@few
@given(data=draws(), seed=st.integers(0, 99))
def test_shift_does_not_matter(metric, data, seed):
    shift = np.random.default_rng(seed).normal(size=data.features.shape[1])
    same(value(metric, data), value(metric, data, features=data.features.astype(float) + shift))


def degenerate() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    x = rng.normal(size=(24, 6)) + labels[:, None]
    alone = np.r_[labels[:-1], 3]
    return {
        "duplicated columns": (np.hstack([x, x, x]), labels),
        "a constant column": (np.hstack([x, np.full((24, 2), 3.7)]), labels),
        "all zero": (np.zeros((24, 4)), labels),
        "all the same": (np.full((24, 4), 0.1), labels),
        "fewer images than dimensions": (rng.normal(size=(24, 100)), labels),
        "as many images as dimensions": (rng.normal(size=(24, 24)), labels),
        "one dimension": (x[:, :1], labels),
        "two values": (np.where(x > 0, 1.0, 0.0), labels),
        "one image in a class": (x, alone),
        "as many images as classes": (x[:3], labels[:3]),
        "two images": (x[:2], labels[:2]),
        "duplicate images": (np.repeat(x[:12], 2, axis=0), np.repeat(labels[:12], 2)),
        "equal images of other classes": (np.repeat(x[:8], 3, axis=0), labels),
        "perfectly separated": (np.eye(3)[labels] * 50, labels),
        "tiny": (x * 1e-30, labels),
        "huge": (x * 1e30, labels),
    }


@pytest.mark.parametrize("case", degenerate())
@pytest.mark.parametrize("metric", EVERY)
def test_degenerate_features_give_a_finite_value_or_are_declined(metric, case):
    features, labels = degenerate()[case]
    data = Drawn(1, len(labels), features.shape[1], 2)
    found = value(metric, data, labels=labels, features=features)
    if isinstance(found, str):
        assert "declined: " in found
        assert "gave" not in found
        assert len(found) > 25
    else:
        assert math.isfinite(found)


@pytest.mark.parametrize("metric", EVERY)
def test_what_cannot_be_scored_is_an_error(metric):
    data = Drawn(0, 12, 4, 3)
    broken = data.features.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ArgumentError, match="row 3, column 1: nan"):
        value(metric, data, features=broken)
    broken[3, 1] = np.inf
    with pytest.raises(ArgumentError, match="row 3, column 1: inf"):
        value(metric, data, features=broken)
    with pytest.raises(ArgumentError, match="two classes"):
        value(metric, data, labels=np.zeros(12, dtype=int))
    with pytest.raises(ArgumentError, match=r"shape \(11, d\)"):
        value(metric, data, labels=data.labels[:-1])
    with pytest.raises(ArgumentError, match="integers"):
        value(metric, data, labels=data.labels * 0.5)


@pytest.mark.parametrize("metric", ALL)
def test_every_metric_is_documented(metric):
    text = registry().load("metric", metric).__doc__ or ""
    summary = text.strip().splitlines()[0]
    assert summary.endswith(".")
    assert "Range:" in text
    assert "Cost:" in text
    assert "Need" in text
    for field in registry().load("metric", metric).parameters().values():
        assert field.description


def test_declined_is_told_from_wrong():
    data = Drawn(0, 6, 4, 3)
    with pytest.raises(Declined, match="no two images share a class"):
        distbench.score("parc", data.features, np.arange(6))
