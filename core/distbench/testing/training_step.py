"""One step of training a student, in the format that distbench trains it in and contiguous.

``python -m distbench.testing.training_step`` reads a JSON object from standard input (the student
as a table, plugin files, side of the images) and prints what a `Step` holds as another. It is run
in a process of its own: libraries that fail in a backward pass may end it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from distbench.engine.training.student import build_student
from distbench.engine.training.threads import torch_threads
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.student import Student
from distbench.plugins.registry import registry

_CLASSES, _IMAGES = 3, 4
_SMALL = 1e-3
"""Gradients below this share of the largest are noise, e.g. of a key's bias in attention."""


@dataclass(frozen=True)
class Step:
    """What one step says of a student.

    Attributes:
        reached: Whether a gradient reaches the weights of its backbone.
        difference: Largest distance of a weight's gradients in the two formats, relative to their
            length (or, where that is small, to a thousandth of the longest).
        weight: Which weight that is.
    """

    reached: bool
    difference: float
    weight: str


class StepEnded(Exception):  # noqa: N818 - what was seen, not an error of ours
    """A training step raised something, or ended its process.

    Args:
        how: As a clause, for example ``ends its process (SIGSEGV)``.
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


def step_of(table: Mapping[str, Any], plugins: Sequence[Path], side: int) -> Step:
    """A step in a process of its own.

    Args:
        table: The student, as the registry makes it.
        plugins: Plugin files that it may come from.
        side: Of the images, pixels.

    Raises:
        StepEnded: There was no end of it.
    """
    asked = {"student": dict(table), "plugins": [str(file) for file in plugins], "side": side}
    done = subprocess.run(
        [sys.executable, "-m", "distbench.testing.training_step"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    if done.returncode < 0:
        raise StepEnded(f"ends its process ({signal.Signals(-done.returncode).name})")
    if done.returncode:
        raise StepEnded(f"raises {(done.stderr.strip().splitlines() or ['nothing'])[-1]}")
    return Step(**json.loads(done.stdout.splitlines()[-1]))


def take_step(student: Student, side: int) -> Step:
    """A step in this process.

    Compared is evaluation mode, in which nothing is drawn: dropout draws in the order of memory.
    Before that a step of training mode is taken twice, to see that it comes to its end.
    """
    cpu = torch.device("cpu")
    model = build_student(student, _CLASSES, pretrained=True, seed=0, device=cpu)
    trained, plain = deepcopy(model), deepcopy(model).to(memory_format=torch.contiguous_format)
    images = torch.rand(_IMAGES, 3, side, side, generator=torch.Generator().manual_seed(0))
    as_trained = images.contiguous(memory_format=torch.channels_last)
    for _ in range(2):
        reached = any(g.any() for g in _gradients(trained.train(), as_trained).values())
    gradients = _gradients(model.eval(), as_trained)
    right = _gradients(plain.eval(), images)
    floor = _SMALL * max((float(g.norm()) for g in right.values()), default=0.0)
    difference, weight = 0.0, ""
    for name, gradient in right.items():
        length = max(float(gradient.norm()), floor)
        distance = float((gradients[name] - gradient).norm()) / length if length else 0.0
        if not distance <= difference:  # not a number, too
            difference, weight = distance, name
    return Step(bool(reached), difference, weight)


def _gradients(model: Classifier, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Gradients of the backbone's weights, of those that there are."""
    weights: dict[str, nn.Parameter] = {
        name: weight for name, weight in model.backbone.named_parameters() if weight.requires_grad
    }
    if not weights:
        return {}
    loss = model.features(images).square().sum()
    gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    return {n: g for n, g in zip(weights, gradients, strict=True) if g is not None}


def _main() -> None:
    asked = json.load(sys.stdin)
    student: Any = registry(tuple(map(Path, asked["plugins"]))).make("student", asked["student"])
    with torch_threads(1):
        step = take_step(student, asked["side"])
    sys.stdout.write("\n" + json.dumps(asdict(step)) + "\n")


if __name__ == "__main__":
    _main()
