"""The student that is judged is the one that is shipped, whatever a method did to the trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distbench import WeightsError, run
from distbench.engine.training.student import with_weights
from distbench.interfaces.classifier import Classifier

PLUGIN = """
import torch
from torch.nn.functional import cross_entropy
from distbench import Baseline, Phase, Stream, Student

class Normed(Student):
    "A convolution, its statistics, and an activation."
    def fingerprint(self): return "normed"
    def normalisation(self): return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

    def backbone(self, *, pretrained):
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6),
                                  torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                                  torch.nn.Flatten())
        net.num_features = 6
        return net

def exchanged(student): student.backbone[2] = torch.nn.Sigmoid()
def hooked(student):
    student.backbone.register_forward_pre_hook(lambda net, given: (0 * given[0],))
def outputs(student): student.head.register_forward_hook(lambda net, given, out: 0 * out)
def forward(student): student.forward = lambda images: torch.zeros(len(images), 3)
def never_eval(student): student.eval = student.backbone.eval = lambda: student.train()
def no_mode(student): student.train = lambda mode=True: student
def untracked(student): student.backbone[1].track_running_stats = False
def buffers(student): student._mean.fill_(0.9)
def writes(student):
    def write(layer, given, out):
        if not layer.training:
            torch.nn.init.zeros_(layer.weight)
    student.head.register_forward_hook(write)
def forgotten(student): student.backbone[1].running_mean = None
def added(student): student.head = torch.nn.Sequential(student.head)
def honest(student): pass

class Tampering(Baseline):
    "Fine-tuning that changes the network once the last loss is computed."
    how: str = "honest"
    ema: bool = False

    def phases(self, context):
        steps, done = context.protocol.steps, []

        def loss(student, batch):
            value = cross_entropy(student(batch["x"].views["weak"]), batch["x"].labels)
            done.append(1)
            if len(done) == steps:
                globals()[self.how](student)
            return value

        stream = Stream(context.labelled, context.protocol.batch, labels=context.labels)
        return [Phase(steps=steps, streams={"x": stream}, loss=loss, lr=0.2, ema=self.ema)]
"""

HARMLESS = ("exchanged", "hooked", "outputs", "forward", "never_eval", "no_mode")
HARMLESS += ("untracked", "buffers", "writes")


@pytest.fixture
def options(tmp_path: Path, toy_options: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "tampering.py").write_text(PLUGIN)
    files = (*toy_options["plugin"], tmp_path / "tampering.py")
    own = {"task": "toy_task", "student": "normed", "distiller": "none", "plugin": files}
    return {**toy_options, **own, "steps": 12}


@pytest.mark.slow
@pytest.mark.parametrize("ema", ["", ",ema=true"])
def test_what_is_not_shipped_is_not_judged(options: dict[str, Any], ema: str) -> None:
    baselines = [f"tampering:how={how}{ema}" for how in ("honest", *HARMLESS)]
    honest, *others = run(**options, baseline=baselines).rows
    assert honest.result is not None, honest.reason
    for row in others:
        assert row.result == honest.result, (row.method.id, row.reason)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "weight"),
    [
        ("forgotten", "backbone.1.running_mean"),
        ("added", "'head.0.bias' is missing, new or of another shape, as are 3 more"),
    ],
)
def test_another_architecture_is_named(options: dict[str, Any], how: str, weight: str) -> None:
    (row,) = run(**options, baseline=f"tampering:how={how}").rows
    assert row.status == "failed"
    reason = str(row.reason)
    assert "plugin 'tampering': it changes the student's architecture: its weights" in reason
    assert weight in reason


def classifier(width: int = 2, *more: nn.Module) -> Classifier:
    backbone = nn.Sequential(nn.Conv2d(3, width, 1), *more, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone.num_features = width  # type: ignore[assignment]
    return Classifier(backbone, 2, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_weights_are_taken_over() -> None:
    trained, fresh = classifier(), classifier()
    judged = with_weights(fresh, trained.state_dict())
    assert judged is fresh
    assert not judged.training
    assert torch.equal(judged.head.weight, trained.head.weight)
    assert judged.head.weight is not trained.head.weight


@pytest.mark.parametrize("other", [classifier(3), classifier(2, nn.BatchNorm2d(2))])
def test_weights_that_do_not_fit_are_refused(other: Classifier) -> None:
    for fresh, trained in ((classifier(), other), (other, classifier())):
        before = fresh.head.weight.detach().clone()
        with pytest.raises(WeightsError, match=r"do not fit the network built anew \('backbone\."):
            with_weights(fresh, trained.state_dict())
        assert torch.equal(fresh.head.weight, before)
