"""Budgets are counted where they are spent; what methods declare is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distbench import run

METHOD = """
import copy
import pickle
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

class Head(Plain):
    "Trains the classifier alone, on features that were kept."
    def step(self):
        super().step()
        head = copy.deepcopy(self.model.head)
        own = torch.optim.Adam(head.parameters())
        for _ in range(7):
            own.zero_grad()
            head(torch.ones(8, head.in_features)).square().mean().backward()
            own.step()

class Wrapper(Plain):
    "Leaves the step to two others, each for weights of its own."
    def __init__(self, model, held):
        super().__init__(model, held)
        self.inner = [torch.optim.SGD(part.parameters(), lr=0.05)
                      for part in (model.backbone, model.head)]
    def step(self):
        for one in self.inner:
            one.step()

OPTIMISERS = {"factory": Plain, "sharpness": Sharpness, "replay": Replay,
              "copy": Copy, "declared": Sharpness, "head": Head, "wrapper": Wrapper}

class Odd(Baseline):
    "Fine-tuning that does more than it should."
    how: str = "honest"
    passes: float = 1

    def phases(self, context):
        s = Stream(context.labelled, context.protocol.batch, labels=context.labels)
        n, how, passes = context.protocol.steps, self.how, self.passes
        passes = int(passes) if passes == int(passes) else passes

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
            if how == "cleared":
                for module in student.modules():
                    module._forward_hooks.clear()
            if how == "wrapped":
                old, new = student.backbone.stem, torch.nn.Conv2d(3, 6, 3)
                new.weight, new.bias = old.weight, old.bias
                student.backbone.stem = new
            if how == "pickled":
                pickle.dumps(student.head)
                pickle.dumps(student.backbone.stem)
            if how == "layers":
                maps = student.backbone.stem((views - 0.5) / 0.5)
                features = student.backbone.forward((views - 0.5) / 0.5) + 0 * maps.mean()
                return cross_entropy(student.classify(features), batch["x"].labels)
            held["loss"] = lambda: cross_entropy(student(views), batch["x"].labels)
            if how == "by_gradient":
                seen = views.clone().requires_grad_()
                torch.autograd.grad(student(seen).sum(), seen)
            if how == "twice":
                with torch.no_grad():
                    student(views)
            return cross_entropy(student(views), batch["x"].labels)

        held = {}

        def optimiser(model, modules):
            if how == "factory":
                torch.nn.init.normal_(model.head.weight)
            return OPTIMISERS[how](model, held)

        def phase(steps):
            given = {"optimiser": optimiser} if how in OPTIMISERS else {}
            return Phase(steps=steps, streams={"x": s}, loss=loss, lr=0.05, passes=passes,
                         **given)

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
        return [phase(n // 2 if how == "declared" else n)]
"""

OUTSIDE = "phase 'train' changes weights of the model outside its optimiser's step"
UNDECLARED = (
    "phase 'train' takes {} optimiser steps and {} backward passes within one of its steps and "
    "declares 1: say so by Phase(passes=...)"
)
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
        ("cleared", "a layer of the model was exchanged, or the hook that counts"),
        ("wrapped", "a layer of the model was exchanged, or the hook that counts"),
        ("pickled", "a student that is trained cannot be pickled"),
        ("sharpness", UNDECLARED.format(1, 2)),
        ("replay", "5 backward passes within one of its steps and declares 1"),
        ("copy", UNDECLARED.format(2, 3)),
        ("head", UNDECLARED.format(7, 8)),
        ("by_gradient", UNDECLARED.format(1, 2)),
        ("declared,passes=1.5", "phase 'train' has 1.5 passes a step"),
        ("declared,passes=0", "phase 'train' has 0 passes a step"),
        ("declared,passes=3", "its phases take 6 steps (each pass of a step counts as one), the"),
    ],
)
def test_a_method_cannot_buy_steps(options: dict[str, Any], how: str, message: str) -> None:
    (row,) = run(**options, distiller="none", baseline=f"odd:how={how}").rows
    assert row.status == "failed"
    assert message in str(row.reason)


@pytest.mark.slow
def test_images_are_counted_where_they_pass(options: dict[str, Any]) -> None:
    odd = [f"odd:how={how}" for how in ("twice", "layers", "wrapper", "declared,passes=2")]
    baselines = ("odd", *odd, "linear_probe", "fixmatch:mu=2")
    counted = {}
    result = run(**options, distiller="none", baseline=baselines)
    for row in result.rows:
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
        "odd:how=wrapper": (1, 1),
        # What an optimiser does within its step: half as many steps, of two passes each.
        "odd:how=declared,passes=2": (1, 1),
        "linear_probe": (1, 0),
        # Labelled, and two views of twice as many unlabelled, all in one batch.
        "fixmatch:mu=2": (5, 5),
    }
    noted = [line for line in result.warnings if "went backward" in line]
    assert noted == [
        "odd:how=layers on toy_task: 64 images went backward through the student where its 4 "
        "steps declare 32; its costs count them, its steps do not"
    ]
    (sharp,) = [row for row in result.rows if row.method.id == "odd:how=declared,passes=2"]
    assert sharp.result is not None
    assert sharp.result.declared["phases"][0]["passes"] == 2


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
