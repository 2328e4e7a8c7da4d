"""Votes of sources that were fine-tuned sparingly: what is trained, who votes, what is learnt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from distbench import Declined, TeacherLogits, TeacherRecipe
from distbench.errors import UsageError
from distbench.plugins.registry import registry
from distbench_builtin.distillers.peft_ensemble import votes
from distbench_builtin.shared.methods.peft import adapting


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.Conv2d(8, 8, 3, groups=8),
            nn.Flatten(),
            nn.Linear(8 * 16, 6),
        )


IMAGES = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def trained(model: nn.Module) -> set[str]:
    """Names of the weights that a step changes."""
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    model.train()
    for _ in range(2):  # of a product that starts at 0 one factor alone moves in the first step
        loss = model(IMAGES).square().sum()
        for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.data -= 0.01 * slope
    return {name for name, weight in model.named_parameters() if (weight != before[name]).any()}


def test_low_rank_changes_start_at_nothing_and_leave_all_else_as_it_was() -> None:
    model = network().eval()
    with torch.no_grad():  # statistics that are not those of a fresh layer
        model[1].running_mean += 0.3
        said = model(IMAGES)
        adapting("lora", 2)(model)
        torch.testing.assert_close(model(IMAGES), said)
        again = model.train()(IMAGES)  # statistics are the source's in training too
        torch.testing.assert_close(again, said)
    original = {n: w.clone() for n, w in model.named_parameters() if n.endswith("original")}
    layers = ("0", "4")  # the depthwise one has no matrix to change
    assert trained(model) == {
        f"{layer}.parametrizations.weight.0.{side}" for layer in layers for side in ("up", "down")
    }
    for name, weight in original.items():
        assert torch.equal(dict(model.named_parameters())[name], weight)
    change = model[4].weight - model[4].parametrizations.weight.original
    assert torch.linalg.matrix_rank(change).item() == 2


def test_a_rank_beyond_the_matrix_is_the_matrix_rank() -> None:
    model = network()
    adapting("lora", 99)(model)
    assert model[0].parametrizations.weight[0].up.shape == (8, 8)


def test_biases_and_normalisations_alone_are_trained() -> None:
    model = network()
    adapting("bias", 2)(model)
    assert trained(model) == {"1.weight", "1.bias", "2.bias", "4.bias"}


def test_votes_are_shares_of_the_weight_whatever_the_certainty() -> None:
    first = np.array([[9.0, 0, 0], [0, 1, 0]])
    second = np.array([[0.1, 0, 0], [0, 0, 99]])
    found = votes([first, second], [3, 1])
    assert found.tolist() == [[1, 0, 0], [0, 0.75, 0.25]]


def test_the_heaviest_sources_are_taught_in_every_way(teachers: Any, method_context: Any) -> None:
    method: Any = registry().make(
        "distiller", "peft_ensemble:most=2,teacher_steps=7,teacher_lr=0.2,rank=3,weight_decay=0.01"
    )
    asked: list[tuple[str, TeacherRecipe]] = []
    said = {"b": [[0.0, 1.0]] * 5, "c": [[1.0, 0.0]] * 5}

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        asked.append((source.info.name, recipe))
        return TeacherLogits(np.array(said[source.info.name], np.float32), None, steps=7, macs=1)

    sources = [
        teachers.source(name, weight, [[0.0]] * 5)
        for name, weight in (("a", 0.1), ("b", 0.6), ("c", 0.3))
    ]
    context = teachers.learning_from(method_context, *sources)
    (phase,) = method.phases(replace(context, train_teacher=train_teacher))
    assert [name for name, _ in asked] == ["b", "b", "c", "c"]
    assert [(r.fine_tune, r.steps, r.batch, r.lr, r.weight_decay) for _, r in asked] == [
        (True, 7, 2, 0.2, 0.01)
    ] * 4
    model = network()
    assert asked[0][1].adapt is not None
    asked[0][1].adapt(model)
    assert model[0].parametrizations.weight[0].up.shape == (8, 3)
    targets = phase.streams["unlabelled"].targets[""]
    np.testing.assert_allclose(targets[2:4], [[1 / 3, 2 / 3]] * 2, rtol=1e-6)
    assert targets[:2].tolist() == [[1, 0], [0, 1]], "what is known is not put to the vote"


def test_sources_that_cannot_be_trained_are_passed_over(teachers: Any, method_context: Any) -> None:
    method: Any = registry().make("distiller", "peft_ensemble:most=1")
    asked: list[str] = []

    def train_teacher(source: Any, recipe: TeacherRecipe) -> TeacherLogits:
        asked.append(source.info.name)
        if source.info.name != "c":
            raise Declined("it has no torch module")
        return TeacherLogits(np.array([[1.0, 0.0]] * 5, np.float32), None, steps=7, macs=1)

    sources = [
        teachers.source(name, weight, [[0.0]] * 5)
        for name, weight in (("b", 0.6), ("c", 0.3), ("d", 0.1))
    ]
    context = teachers.learning_from(method_context, *sources)
    method.phases(replace(context, train_teacher=train_teacher))
    assert asked == ["b", "c", "c"], "the next heaviest that can be is, and no more than `most`"
    only = teachers.learning_from(method_context, sources[0])
    with pytest.raises(Declined, match="none of the sources can be trained"):
        method.phases(replace(only, train_teacher=train_teacher))


def test_a_row_declares_what_the_teachers_took(teachers: Any, toy_options: dict[str, Any]) -> None:
    (row,) = teachers.run(
        toy_options,
        ("peft_ensemble:teacher_steps=3,most=1,ways=bias",),
        strategy="equal",
        metric="by_name",
    )
    assert row.result is not None and row.cost is not None, row.reason
    assert row.result.declared["teacher_steps"] == 3
    assert row.result.declared["steps"] == row.cost.steps == 5
    assert row.cost.teacher_training_macs > 0


def test_an_unknown_way_and_none_are_refused() -> None:
    for text in ("peft_ensemble:ways=prompt", "peft_ensemble:ways="):
        with pytest.raises(UsageError, match="ways"):
            registry().make("distiller", text)
