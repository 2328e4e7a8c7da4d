"""AE-KD and CA-MKD, against their equations in plain Python."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax

from distbench import TeacherLogits, TeacherRecipe
from distbench.plugins.registry import registry

DRAW = np.random.default_rng(2)
LOGITS = {name: DRAW.normal(scale=2, size=(5, 3)).astype(np.float32) for name in "abc"}
ALPHA = {"a": 0.5, "b": 0.3, "c": 0.2}


def prepared(
    teachers: Any, context: Any, text: str, alpha: dict[str, float] | None = None
) -> tuple[Any, Any]:
    """The first phase and the method, of three sources or those that are given."""

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        return TeacherLogits(LOGITS[source.info.name], None, steps=0, macs=0)

    given = alpha or ALPHA
    sources = [teachers.source(n, weight, [[0.0]] * 5) for n, weight in given.items()]
    made = replace(teachers.learning_from(context, *sources), train_teacher=train_teacher)
    made = replace(made, classes=("x", "y", "z"))
    method: Any = registry().make("distiller", text)
    return method.phases(made)[0], method


def divergence(p: Any, q: Any) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


@pytest.mark.parametrize("alpha", [ALPHA, dict.fromkeys("abc", 1 / 3)])
def test_ca_mkd_weighs_by_label_and_by_entropy(
    teachers: Any, method_context: Any, alpha: dict[str, float]
) -> None:
    phase, _ = prepared(teachers, method_context, "ca_mkd:temperature=2", alpha)
    target = phase.streams["unlabelled"].targets["teacher"]
    assert target.dtype == np.float32
    # Images 0 and 1 have labels; 4 is for validation, and its label must not count.
    for image, label in enumerate([0, 1, None, None, None]):
        loss = {}
        for name in alpha:
            p = teachers.softmax([float(v) for v in LOGITS[name][image]])
            entropy = -sum(v * math.log(v) for v in p)
            loss[name] = entropy if label is None else -math.log(p[label])
        total = sum(math.exp(v) for v in loss.values())
        w = {name: (1 - math.exp(loss[name]) / total) / 2 for name in alpha}
        if alpha != ALPHA:
            assert sum(w.values()) == pytest.approx(1), "as published"
        w = {name: w[name] * alpha[name] for name in alpha}
        mixed = sum(w[n] / sum(w.values()) * softmax(LOGITS[n][image] / 2) for n in alpha)
        np.testing.assert_allclose(target[image], mixed, rtol=1e-5)


def test_a_single_teacher_of_ca_mkd_is_itself(teachers: Any, method_context: Any) -> None:
    phase, _ = prepared(teachers, method_context, "ca_mkd", {"b": 1.0})
    target = phase.streams["unlabelled"].targets["teacher"]
    np.testing.assert_allclose(target, softmax(LOGITS["b"], axis=1), rtol=1e-6)


def least(gradients: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Weights of the shortest mean of three vectors (3, C), the best of a fine grid."""
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 401) for b in np.linspace(0, 1, 401)]
    w = np.array(
        [g for g in grid if all(-1e-9 <= v <= m + 1e-9 for v, m in zip(g, most, strict=True))]
    )
    return w[np.square(w @ gradients).sum(1).argmin()]


@pytest.mark.parametrize("over", ["batch", "image"])
def test_ae_kd_goes_along_the_shortest_gradient(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any, over: str
) -> None:
    text = f"ae_kd:temperature=2,reach=1.5,over={over}"
    phase, _ = prepared(teachers, method_context, text)
    rows = phase.streams["unlabelled"].targets["teacher"]
    assert rows.shape == (5, 3, 3)
    z = [[6.0, 0.0, 1.0], [0.0, 5.0, 2.0]]
    batch = teachers.with_targets(batch_of(z), teacher=rows[2:4].tolist())
    found = phase.loss(type(transparent)(3), {"unlabelled": batch})
    p = np.stack([softmax(LOGITS[n][2:4] / 2, axis=1) for n in "abc"], 1)  # (2, 3, C)
    np.testing.assert_allclose(rows[2:4], p, rtol=1e-5)
    q = softmax(np.array(z) / 2, axis=1)
    most = np.minimum(1.5 * np.array(list(ALPHA.values())), 1)
    gradients = q[:, None] - p
    if over == "batch":
        gradients = np.broadcast_to(gradients.mean(0), gradients.shape)
    wanted = 0.0
    for own, said, now in zip(gradients, p, q, strict=True):
        w = least(own, most)
        wanted += 4 * sum(a * divergence(b, now) for a, b in zip(w, said, strict=True)) / 2
    assert float(found) == pytest.approx(wanted, rel=1e-2)


def test_ae_kd_at_reach_1_is_the_mean_by_weight(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    phase, _ = prepared(teachers, method_context, "ae_kd:temperature=1,reach=1")
    rows = phase.streams["unlabelled"].targets["teacher"]
    images = torch.tensor([[1.0, -2.0, 0.5]]).view(1, 1, 1, 3).requires_grad_()
    shown = replace(
        batch_of([[0.0, 0.0, 0.0]]),
        views={"weak": images},
        targets={"teacher": torch.tensor(rows[2:3])},
    )
    phase.loss(type(transparent)(3), {"unlabelled": shown}).backward()
    mixed = sum(ALPHA[n] * softmax(LOGITS[n][2]) for n in "abc")
    assert images.grad is not None
    np.testing.assert_allclose(images.grad.flatten(), softmax([1.0, -2.0, 0.5]) - mixed, atol=1e-6)


@pytest.mark.parametrize("text", ["ae_kd", "ae_kd:over=image", "ca_mkd"])
def test_they_learn_from_toys(teachers: Any, toy_options: dict[str, Any], text: str) -> None:
    row = teachers.only(teachers.run(toy_options, text, strategy="equal"))
    assert set(row.result.sources.weights) == {"fixed-0", "bare-1", "small-2"}
    assert [p["name"] for p in row.result.declared["phases"]] == ["distil", "finetune"]
    assert all(math.isfinite(point.loss) for point in row.result.curve)
