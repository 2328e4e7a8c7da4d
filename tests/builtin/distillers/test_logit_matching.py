from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax

from distbench import Declined, TeacherLogits, TeacherRecipe
from distbench.plugins.registry import registry
from distbench_builtin.shared.methods import logit_losses

LOGITS = {"a": [[2.0, 0.0, 1.0]] * 5, "b": [[-1.0, 3.0, 30.0]] * 5}


def prepared(teachers: Any, context: Any, text: str, classes: int = 3) -> Any:
    """The first phase, of two sources with weights 0.75 and 0.25."""

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        logits = np.array(LOGITS[source.info.name], dtype=np.float32)[:, :classes]
        return TeacherLogits(logits, None, steps=0, macs=0)

    sources = [teachers.source("a", 0.75, [[0.0]] * 5), teachers.source("b", 0.25, [[0.0]] * 5)]
    given = teachers.learning_from(context, *sources)
    given = replace(given, train_teacher=train_teacher, classes=tuple("abc"[:classes]))
    method: Any = registry().make("distiller", text)
    return method.phases(given)[0]


def told(teachers: Any, phase: Any, batch_of: Any, logits: list[list[float]]) -> Any:
    rows = phase.streams["unlabelled"].targets["teacher"][: len(logits)]
    return {"unlabelled": teachers.with_targets(batch_of(logits), teacher=rows.tolist())}


def wide() -> Any:
    """A student whose logits are the first three values of the image."""

    class Wide(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :3]

    return Wide()


@pytest.mark.parametrize("loss", ["kl", "dkd", "dist"])
def test_several_sources_are_one_teacher(
    teachers: Any, method_context: Any, batch_of: Any, loss: str
) -> None:
    text = f"logit_matching:loss={loss},temperature=2,alpha=0.5,beta=3"
    phase = prepared(teachers, method_context, text)
    a, b = (np.array(LOGITS[name][0]) / 2 for name in "ab")
    mixed = 0.75 * softmax(a) + 0.25 * softmax(b)
    target = phase.streams["unlabelled"].targets["teacher"]
    assert target.dtype == np.float32
    np.testing.assert_allclose(target, [mixed] * 5, rtol=1e-5)
    z = [[1.0, 2.0, 0.0], [0.5, -1.0, 0.0]]
    found = phase.loss(wide(), told(teachers, phase, batch_of, z))
    p = torch.tensor(np.array([mixed] * 2), dtype=torch.float32)
    if loss == "kl":
        q = softmax(np.array(z) / 2, axis=1)
        assert float(found) == pytest.approx(4 * (mixed * np.log(mixed / q)).sum(1).mean(), 1e-5)
    elif loss == "dkd":
        wanted = logit_losses.decoupled_kl(torch.tensor(z), p, 2, 0.5, 3)
        assert float(found) == pytest.approx(float(wanted))
    else:
        wanted = logit_losses.correlation_loss(torch.tensor(z), p, 2, 0.5, 3)
        assert float(found) == pytest.approx(float(wanted))


def test_standardised_sources_are_equally_sharp(
    teachers: Any, method_context: Any, batch_of: Any
) -> None:
    phase = prepared(teachers, method_context, "logit_matching:loss=standardised,temperature=2")

    def z_score(row: list[float]) -> np.ndarray:
        return (np.array(row) - np.mean(row)) / np.std(row, ddof=1)

    mixed = 0.75 * softmax(z_score(LOGITS["a"][0]) / 2) + 0.25 * softmax(
        z_score(LOGITS["b"][0]) / 2
    )
    target = phase.streams["unlabelled"].targets["teacher"]
    assert target.dtype == np.float32
    np.testing.assert_allclose(target, [mixed] * 5, rtol=1e-5)
    z = [1.0, 2.0, 0.5]
    q = softmax(z_score(z) / 2)
    for size in (1.0, 10.0):
        shown = told(teachers, phase, batch_of, [[size * v for v in z]])
        wanted = 4 * (mixed * np.log(mixed / q)).sum()
        assert float(phase.loss(wide(), shown)) == pytest.approx(wanted, rel=1e-4)


def test_two_standardised_logits_say_nothing(teachers: Any, method_context: Any) -> None:
    with pytest.raises(Declined, match="for every image; take another loss"):
        prepared(teachers, method_context, "logit_matching:loss=standardised", classes=2)
    for loss in ("kl", "dkd", "dist"):
        prepared(teachers, method_context, f"logit_matching:loss={loss}", classes=2)


def test_with_kl_it_is_task_oriented(teachers: Any, toy_options: dict[str, Any]) -> None:
    both = teachers.run(toy_options, ("task_oriented", "logit_matching"), strategy="equal")
    one, other = (row.result for row in both)
    assert one.student_digest == other.student_digest


@pytest.mark.parametrize("loss", ["dkd", "dist", "standardised"])
def test_it_learns_from_toys(teachers: Any, toy_options: dict[str, Any], loss: str) -> None:
    row = teachers.only(teachers.run(toy_options, f"logit_matching:loss={loss}", strategy="equal"))
    assert [p["name"] for p in row.result.declared["phases"]] == ["distil", "finetune"]
    assert row.result.declared["teacher_steps"] == 0
