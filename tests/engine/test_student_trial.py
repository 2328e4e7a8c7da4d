"""What a student cannot do is found before images are decoded and sources run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from distbench import UsageError, run
from distbench.cli import app
from distbench.engine.processes.own_process import answer_of
from distbench.engine.students import trial as student_trial

PLUGIN = """
import os
import torch
from distbench import Student

held = {}

class Eval(torch.nn.Module):
    "Does something to features in evaluation mode."
    def __init__(self, does):
        super().__init__()
        self.does = does

    def forward(self, x):
        return x if self.training else self.does(x)

def modes(net, how):
    add = torch.nn.functional
    if how == "batch statistics":
        net.insert(1, torch.nn.BatchNorm2d(4, track_running_stats=False))
    if how == "running statistics":
        net.insert(1, torch.nn.BatchNorm2d(4))
    if how == "batch mean":
        net.append(Eval(lambda x: x - x.mean(0, keepdim=True)))
    if how == "first image":
        net.append(Eval(lambda x: x - x[:1]))
    if how == "dropout":
        net.append(Eval(lambda x: add.dropout(x, 0.3)))
    if how == "hidden":
        away = torch.randn(4)
        net.append(Eval(lambda x: x + away))
    return net

class Odd(Student):
    "Cannot do everything."
    how: str = "good"

    def fingerprint(self): return "odd"
    def normalisation(self): return (0, 0, 0), (1, 1, 1)

    def backbone(self, *, pretrained):
        if self.how == "dies":
            os._exit(9)
        if self.how == "no build":
            raise TypeError("unexpected argument")
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1),
                                  torch.nn.Flatten())
        if self.how == "no gradient":
            class Cut(torch.nn.Module):
                def forward(self, x): return x.detach().sign().requires_grad_(False).floor_()
            net.append(Cut())
        if self.how == "large only":
            class Large(torch.nn.Module):
                def forward(self, x):
                    assert x.shape[-1] == 64, "Input height (16) doesn't match model (64)"
                    return x
            net = torch.nn.Sequential(Large(), *net)
        net = modes(net, self.how)
        if self.how == "kept":
            net = held.setdefault("net", net)
        if self.how == "random only" and not pretrained:
            net.append(torch.nn.Softmax(1))
        net.num_features = 5 if self.how == "other width" else 4
        return net

    def export(self, backbone, head, classes):
        if self.how == "no export":
            raise ValueError("no recipe for this head")
        return super().export(backbone, head, classes)
"""


@pytest.fixture
def options(tmp_path: Path, toy_options: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "odd.py").write_text(PLUGIN)
    files = (*toy_options["plugin"], tmp_path / "odd.py")
    return {**toy_options, "task": "toy_task", "plugin": files}


FAULTS = [
    ("no build", "TypeError: unexpected argument"),
    ("large only", "AssertionError: Input height .16. doesn't match model .64."),
    ("other width", "its backbone gives features of shape .2, 4. for 2 images"),
    ("batch statistics", "in evaluation mode the features of an image depend on the others"),
    ("batch mean", "in evaluation mode the features of an image depend on the others"),
    ("first image", "in evaluation mode the features of an image depend on the others"),
    ("dropout", "in evaluation mode its features of the same images differ from pass to pass"),
    ("hidden", "its trained weights give other features in a student that is built anew"),
    ("random only", "its trained weights give other features in a student that is built anew"),
    ("kept", r"its backbone\(\) gives the same module twice"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "message"), FAULTS)
def test_it_is_refused_before_the_work(options: dict[str, Any], how: str, message: str) -> None:
    student = {"use": "odd", "how": how}
    wanted = f"student odd:how=.* cannot be used at 16 pixels: {message}"
    with pytest.raises(UsageError, match=wanted):
        run(**{**options, "student": student})
    assert not (Path.cwd().parent / "home" / "artifacts" / "images").exists()
    assert not Path("runs").exists()


@pytest.mark.slow
def test_another_size_is_no_way_out_of_a_wrong_contract(options: dict[str, Any]) -> None:
    student = {"use": "odd", "how": "no export"}
    wanted = "be used: plugin 'odd': export: ValueError: no recipe for this head$"
    with pytest.raises(UsageError, match=wanted):
        run(**{**options, "student": student})


@pytest.mark.slow
def test_a_dry_run_refuses_what_the_run_would(options: dict[str, Any]) -> None:
    given = ["run", "--dry-run", "--task", "toy_task", "--zoo", "toy_zoo", "--image-size", "16"]
    given += [part for file in options["plugin"] for part in ("--plugin", str(file))]
    for more, message in (
        (["--student", "odd:how=large only"], "cannot be used at 16 pixels"),
        (["--student", "toy_student", "--executor", "nope"], "unknown executor 'nope'"),
        (["--student", "toy_student", "--reporter", "inf"], "unknown reporter 'inf'"),
        (["--student", "toy_student", "--device", "1e308"], "--device 1e308 cannot be used here"),
    ):
        done = CliRunner().invoke(app, [*given, *more])
        assert done.exit_code == 2
        assert message in done.stderr
    assert CliRunner().invoke(app, [*given, "--student", "toy_student"]).exit_code == 0


@pytest.mark.slow
def test_a_student_is_tried_once(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    step = student_trial._step
    monkeypatch.setattr(student_trial, "_step", lambda *given: tried.append(1) or step(*given))
    for seeds in (1, 2):
        run(**{**options, "student": "odd", "seeds": seeds}, distiller="none", baseline="finetune")
    assert tried == [1]


@pytest.mark.slow
def test_a_crash_is_an_answer(options: dict[str, Any]) -> None:
    arguments = ({"use": "odd", "how": "dies"}, 16, tuple(options["plugin"]))
    ended = answer_of(student_trial._trial, *arguments)
    assert ended == "its process ended with exit code 9"
    for how in ("good", "running statistics"):
        good = ({"use": "odd", "how": how}, 16, tuple(options["plugin"]))
        assert answer_of(student_trial._trial, *good) is None
