"""Budgets are counted where they are spent; what methods declare is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distbench import run
from distbench.engine.training.meter import Meter

METHOD = """
from distbench import Baseline, Phase, Stream
from torch.nn.functional import cross_entropy

class Odd(Baseline):
    "Fine-tuning that does more than it should."
    how: str = "honest"

    def phases(self, context):
        import torch
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
            if how == "twice":
                with torch.no_grad():
                    student(views)
            return cross_entropy(student(views), batch["x"].labels)

        def phase(steps):
            return Phase(steps=steps, streams={"x": s}, loss=loss, lr=0.05)

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
        ("own_steps", "the loss of phase 'train' changes weights of the model"),
        ("by_hand", "the loss of phase 'train' changes weights of the model"),
        ("loaded", "the loss of phase 'train' changes weights of the model"),
    ],
)
def test_a_method_cannot_buy_steps(options: dict[str, Any], how: str, message: str) -> None:
    (row,) = run(**options, distiller="none", baseline=f"odd:how={how}").rows
    assert row.status == "failed"
    assert message in str(row.reason)


@pytest.mark.slow
def test_images_are_counted_where_they_pass(options: dict[str, Any]) -> None:
    baselines = ("odd", "odd:how=twice", "linear_probe", "fixmatch:mu=2")
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
    model = nn.Sequential(nn.Linear(3, 2))
    meter = Meter(model)
    images = torch.ones(5, 3)
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
