from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench.interfaces.context import TransferSet
from distbench.plugins.registry import registry
from distbench_builtin.distillers.task_agnostic import standard

FEATURES = [[0.0, 5.0], [2.0, 5.0], [4.0, 5.0], [2.0, 5.0], [99.0, 99.0]]
"""Of the five images of the context; the last is for validation. Standardised over the others the
first feature is (x - 2) / sqrt(2), and the second, which is constant, 0."""


def phases(teachers: Any, context: Any, text: str, *weights: float) -> list[Any]:
    sources = [
        teachers.source(f"s{i}", weight, [[0.0]] * 5, FEATURES) for i, weight in enumerate(weights)
    ]
    method: Any = registry().make("distiller", text)
    found = method.phases(teachers.learning_from(context, *sources))
    projection = found[0].modules["projection"]
    with torch.no_grad():
        projection.bias.zero_()
        projection.weight.copy_(torch.cat([torch.eye(2) * (i + 1) for i in range(len(weights))]))
    return list(found)


def test_features_are_standardised_over_the_images_that_are_distilled_on() -> None:
    shift, spread = standard([(np.array(FEATURES), np.arange(4))])
    assert shift.tolist() == [2.0, 5.0]
    assert spread.tolist() == pytest.approx([math.sqrt(2), 1.0])
    first, second = np.array(FEATURES[:2]), np.array(FEATURES[2:])
    halves = standard([(first, np.arange(2)), (second, np.arange(2))])
    assert [t.tolist() for t in halves] == [shift.tolist(), spread.tolist()]


def test_regression_is_the_weighted_mean_squared_error(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    distil, finetune = phases(teachers, method_context, "task_agnostic:loss=regression", 0.75, 0.25)
    batch = teachers.with_targets(batch_of([[1.0, 3.0]]), s0=[[4.0, 5.0]], s1=[[0.0, 5.0]])
    r = math.sqrt(2)
    expected = 0.75 * ((1 - r) ** 2 + 3**2) / 2 + 0.25 * ((2 + r) ** 2 + 6**2) / 2
    assert distil.loss(transparent, {"unlabelled": batch}).item() == pytest.approx(expected)
    assert (distil.steps, finetune.steps) == (3, 2)
    assert distil.streams["unlabelled"].positions.tolist() == [0, 1, 2, 3]


def test_cosine_is_one_minus_the_cosine(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    distil, _ = phases(teachers, method_context, "task_agnostic:loss=cosine", 1.0)
    batch = teachers.with_targets(batch_of([[3.0, 4.0]]), s0=[[4.0, 5.0]])
    assert distil.loss(transparent, {"unlabelled": batch}).item() == pytest.approx(1 - 3 / 5)


def test_contrast_of_several_sources_is_weighted(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    def loss(*weights: float, **targets: Any) -> float:
        distil, _ = phases(teachers, method_context, "task_agnostic", *weights)
        batch = teachers.with_targets(batch_of([[1.0, 0.0], [0.0, 1.0]]), **targets)
        return float(distil.loss(transparent, {"unlabelled": batch}).item())

    one, two = [[4.0, 5.0], [2.0, 6.0]], [[1.0, 7.0], [3.0, 5.5]]
    expected = 0.8 * loss(1.0, s0=one) + 0.2 * loss(1.0, s0=two)
    assert loss(0.8, 0.2, s0=one, s1=two) == pytest.approx(expected, rel=1e-6)


def test_it_goes_by_the_images_of_the_batch(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    distil, _ = phases(teachers, method_context, "task_agnostic:temperature=0.2", 1.0)
    same = [[1.0, 0.0]] * 2
    one = teachers.with_targets(batch_of(same, positions=[3, 3]), s0=[[4.0, 5.0]] * 2)
    other = teachers.with_targets(batch_of(same, positions=[2, 3]), s0=[[4.0, 5.0]] * 2)
    assert distil.loss(transparent, {"unlabelled": one}).item() == pytest.approx(0, abs=1e-6)
    found = distil.loss(transparent, {"unlabelled": other}).item()
    assert found == pytest.approx(math.log(2), rel=1e-5)
    # image 3 of the task and image 3 of the transfer set are two images
    parts = {"unlabelled": one, "transfer": one}
    assert distil.loss(transparent, parts).item() == pytest.approx(math.log(3), rel=1e-5)


def test_a_transfer_set_sets_the_scale(
    teachers: Any, method_context: Any, tmp_path: Path, transparent: Any, batch_of: Any
) -> None:
    folder = teachers.a_folder(tmp_path / "x")
    text = f'task_agnostic:loss=regression,transfer="images:path={folder}"'
    there = teachers.source("s", 1.0, [[0.0]] * 3, [[10.0], [30.0], [7.0]])
    own = teachers.source("s", 1.0, [[0.0]] * 5, [[0.0]] * 5)
    transfer = TransferSet(np.array([0, 1]), lambda name: there.embedding)
    method: Any = registry().make("distiller", text)
    distil, _ = method.phases(teachers.learning_from(method_context, own, transfer=transfer))
    projection = distil.modules["projection"]
    torch.nn.init.zeros_(projection.weight)
    torch.nn.init.zeros_(projection.bias)
    batch = teachers.with_targets(batch_of([[0.0, 0.0]]), s=[[30.0]])
    assert distil.loss(transparent, {"transfer": batch}).item() == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["contrastive", "regression", "cosine"])
def test_it_learns_from_toys(
    teachers: Any,
    toy_options: dict[str, Any],
    loss: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = f"task_agnostic:loss={loss}"
    row = teachers.only(teachers.run(toy_options, text, strategy="equal", steps=10))
    assert set(row.result.sources.weights) == {"fixed-0", "bare-1", "small-2"}
    assert [(p["name"], p["steps"]) for p in row.result.declared["phases"]] == [
        ("distil", 6),
        ("finetune", 4),
    ]
    assert row.cost.teacher_pass_macs == 6000 * 60
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "elsewhere"))
    again = teachers.only(teachers.run(toy_options, text, strategy="equal", steps=10))
    assert again.result == row.result
