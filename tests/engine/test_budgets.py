"""Budgets are counted where they are spent; what methods declare is not believed."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distbench import run
from distbench.engine.training.meter import Meter

METHOD = """
import copy
import torch
from distbench import Baseline, Phase, Stream
from torch.nn.functional import cross_entropy

class Plain(torch.optim.SGD):
    def __init__(self, model, held):
        super().__init__(model.parameters(), lr=0.05)
        self.model, self.held = model, held

    def again(self):
        self.zero_grad()
        self.held["loss"]().backward()

class Sharpness(Plain):
    "Up to a sharper place, the gradient there, and back (SAM)."
    def step(self):
        weights = [w for group in self.param_groups for w in group["params"]]
        away = [0.05 * w.grad for w in weights]
        with torch.no_grad():
            torch._foreach_add_(weights, away)
        self.again()
        with torch.no_grad():
            torch._foreach_sub_(weights, away)
        super().step()

class Replay(Plain):
    "Trains on the same batch again and again."
    def step(self):
        for _ in range(4):
            super().step()
            self.again()
        super().step()

class Copy(Plain):
    "Trains a copy, and takes its weights."
    def step(self):
        student = copy.deepcopy(self.model)
        own = torch.optim.SGD(student.parameters(), lr=0.05)
        for _ in range(2):
            own.zero_grad()
            student(torch.rand(8, 3, 16, 16)).square().mean().backward()
            own.step()
        self.model.load_state_dict(student.state_dict())

OPTIMISERS = {"factory": Plain, "hook": Plain, "sharpness": Sharpness, "replay": Replay,
              "copy": Copy}

class Odd(Baseline):
    "Fine-tuning that does more than it should."
    how: str = "honest"

    def phases(self, context):
        s = Stream(context.labelled, context.protocol.batch, labels=context.labels)
        n, how = context.protocol.steps, self.how

        def loss(student, batch):
            views = batch["x"].views["weak"]
            if how == "own_steps":
                own = torch.optim.SGD(student.parameters(), lr=0.1)
                cross_entropy(student(views), batch["x"].labels).backward()
                own.step()
            if how == "by_hand":
                with torch.no_grad():
                    for weight in student.parameters():
                        weight -= 0.01 * torch.randn_like(weight)
            if how == "loaded":
                student.load_state_dict({k: v + 0.01 for k, v in student.state_dict().items()})
            if how == "data":
                for weight in student.parameters():
                    weight.data -= 0.01 * torch.randn_like(weight)
            if how == "replaced":
                student.head.bias = torch.nn.Parameter(student.head.bias + 1)
            if how == "layers":
                maps = student.backbone.conv((views - 0.5) / 0.5)
                features = student.backbone.forward((views - 0.5) / 0.5) + 0 * maps.mean()
                return cross_entropy(student.classify(features), batch["x"].labels)
            held["loss"] = lambda: cross_entropy(student(views), batch["x"].labels)
            if how == "twice":
                with torch.no_grad():
                    student(views)
            return cross_entropy(student(views), batch["x"].labels)

        held = {}

        def optimiser(model, modules):
            if how == "factory":
                torch.nn.init.normal_(model.head.weight)
            if how == "hook":
                def write(layer, inputs, output):
                    if not layer.training:
                        torch.nn.init.normal_(layer.weight)
                model.head.register_forward_hook(write)
            return OPTIMISERS[how](model, held)

        def phase(steps):
            given = {"optimiser": optimiser} if how in OPTIMISERS else {}
            return Phase(steps=steps, streams={"x": s}, loss=loss, lr=0.05, **given)

        if how == "negative":
            return [phase(n + 60), phase(-60)]
        if how == "zero":
            return [phase(n), phase(0)]
        if how == "half":
            return [phase(n - 0.5)]
        if how == "none":
            return []
        if how == "raised":
            context.protocol.__dict__["steps"] = 9999
            return [phase(9999)]
        return [phase(n)]
"""

OUTSIDE = "phase 'train' changes weights of the model outside its optimiser's step"
STRATEGY = """
import numpy as np
from distbench import Strategy

class Nosy(Strategy):
    "Looks at the embeddings of all sources and weighs the first."
    needs_scores = False
    look: bool = True

    def weigh(self, scores, sources, context):
        if self.look:
            for source in sources:
                context.embedding(source.name).features[:1]
        return np.eye(len(sources))[0]
"""


@pytest.fixture
def options(tmp_path: Path, toy_options: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "odd.py").write_text(METHOD)
    (tmp_path / "nosy.py").write_text(STRATEGY)
    files = (*toy_options["plugin"], tmp_path / "odd.py", tmp_path / "nosy.py")
    return {**toy_options, "task": "toy_task", "plugin": files}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("negative", "phase 'train' has -60 steps; a phase has a whole number of them, 1 at least"),
        ("zero", "phase 'train' has 0 steps"),
        ("half", "phase 'train' has 3.5 steps"),
        ("none", "it has no phases"),
        ("raised", "its phases take 9999 steps, the protocol allows 4"),
        ("own_steps", OUTSIDE),
        ("by_hand", OUTSIDE),
        ("loaded", OUTSIDE),
        ("data", OUTSIDE),
        ("replaced", OUTSIDE),
        ("factory", OUTSIDE),
        ("hook", OUTSIDE),
    ],
)
def test_a_method_cannot_buy_steps(options: dict[str, Any], how: str, message: str) -> None:
    (row,) = run(**options, distiller="none", baseline=f"odd:how={how}").rows
    assert row.status == "failed"
    assert message in str(row.reason)


@pytest.mark.slow
def test_images_are_counted_where_they_pass(options: dict[str, Any]) -> None:
    odd = [f"odd:how={how}" for how in ("twice", "layers", "sharpness", "replay", "copy")]
    baselines = ("odd", *odd, "linear_probe", "fixmatch:mu=2")
    counted = {}
    for row in run(**options, distiller="none", baseline=baselines).rows:
        cost = row.cost
        assert cost is not None, row.reason
        forward, backward = cost.images_forward, cost.images_backward
        assert forward is not None
        assert backward is not None
        assert cost.training_macs == cost.student_macs * (forward + 2 * backward)
        counted[row.method.id] = (forward / 4 / 8, backward / 4 / 8)
    assert counted == {
        "odd": (1, 1),
        "odd:how=twice": (2, 1),
        # Layers that are called one by one.
        "odd:how=layers": (2, 2),
        # What an optimiser does within its step.
        "odd:how=sharpness": (2, 2),
        "odd:how=replay": (5, 5),
        "odd:how=copy": (3, 3),
        "linear_probe": (1, 0),
        # Labelled, and two views of twice as many unlabelled, all in one batch.
        "fixmatch:mu=2": (5, 5),
    }


@pytest.mark.slow
def test_sources_that_a_strategy_looks_at_cost(options: dict[str, Any]) -> None:
    result = run(
        **options,
        strategy=("nosy", "nosy:look=false"),
        distiller="pseudo_labels",
        baseline="none",
    )
    looked, blind = (row.cost for row in result.rows)
    assert looked is not None
    assert blind is not None
    assert blind.selection_macs == 0
    # Three sources of 1,000 operations an image, 60 images; the first one is learnt from anyway.
    assert looked.selection_macs == 2 * 60 * 1000


def test_only_what_happens_in_a_step_counts() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    meter = Meter(model, 2)
    images = torch.ones(5, 3, 2, 2)
    model(images).sum().backward()
    assert (meter.forward, meter.backward) == (0, 0)
    with meter.counting():
        model(images).sum().backward()
        with torch.no_grad():
            model(images)
    assert (meter.forward, meter.backward) == (10, 5)
    meter.stop()
    with meter.counting():
        model(images)
    assert meter.forward == 10


class Windows(nn.Module):
    """Cuts an image into four, as attention within windows does."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.unflatten(2, (2, -1)).transpose(1, 2).flatten(0, 1)  # (2 b, 3, s / 2, s)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_layers_that_see_parts_of_images_and_frozen_ones(frozen: int) -> None:
    layers = [nn.Conv2d(3, 3, 1), Windows(), nn.Conv2d(3, 4, 1)]
    model = nn.Sequential(*layers)
    meter = Meter(model, 4)
    for layer in (layers[0], layers[2])[:frozen]:
        layer.requires_grad_(False)
    with meter.counting():
        output = model(torch.ones(5, 3, 4, 4))
        if frozen < 2:
            output.sum().backward()
    assert (meter.forward, meter.backward) == (5, 5 if frozen < 2 else 0)


def test_copies_count() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1))
    meter = Meter(model, 2)
    twin = deepcopy(model)
    with meter.counting():
        for one in (model, twin):
            one(torch.ones(3, 3, 2, 2)).sum().backward()
    assert (meter.forward, meter.backward) == (6, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet", "test_convnext", "test_nfnet"])
def test_an_image_is_one_image_to_every_architecture(name: str) -> None:
    import timm

    model = timm.create_model(name)
    meter = Meter(model, 160)
    with meter.counting():
        model.forward_features(torch.rand(3, 3, 160, 160)).sum().backward()
    assert (meter.forward, meter.backward) == (3, 3)
