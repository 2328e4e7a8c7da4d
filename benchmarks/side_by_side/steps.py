"""Steps by the engine, and the same on views that are there already, which is their bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from benchmarks.absent import AbsentError
from benchmarks.side_by_side.report import OURS
from benchmarks.side_by_side.turns import Prepared
from benchmarks.test_training import setting, student
from torchvision import transforms

from distbench.engine.training.augment import VIEWS
from distbench.engine.training.loop import train_phases
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.steps.averages import moving_average
from distbench.engine.training.steps.optimisers import optimiser_of
from distbench.interfaces.training.phase import Phase
from distbench.interfaces.training.stream import Batch, Batches, Stream
from distbench.plugins.registry import registry

READY = "the same on ready-made views"


@dataclass(frozen=True)
class Case:
    """A student and how much of it is timed.

    Attributes:
        student: Its name.
        side: Of its images, in pixels.
        steps: In one turn.
        teacher: Name of the network that it is distilled from, where it is.
    """

    student: str
    side: int
    steps: int
    teacher: str = ""

    @property
    def title(self) -> str:
        """For a table."""
        plain = (name.removeprefix("timm:") for name in (self.student, self.teacher) if name)
        return f"{' from '.join(plain)}, {self.side} pixels"

    def normalise(self) -> transforms.Normalize:
        """What the student does to images first."""
        made: Any = registry().make("student", self.student)
        return transforms.Normalize(*made.normalisation())

    def setting(self) -> TrainingSetting:
        """Its images, and where it is trained."""
        return setting(self.side)


def same_loss(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Sees that two losses of one batch are one.

    Raises:
        AbsentError: They differ, so that there is nothing to compare.
    """
    if not torch.allclose(ours, theirs, rtol=1e-4):
        raise AbsentError(f"on the same batch its loss is {theirs:.6g}, ours {ours:.6g}")


def ours(case: Case, phase: Phase) -> dict[str, Callable[[], Prepared]]:
    """The engine, and a bare loop on ready-made views, for a case and what is done with it."""
    given = case.setting()
    ready = [ready_batches(phase, given, step) for step in range(2)]

    def by_the_engine() -> Prepared:
        model = student(case.student)
        return lambda: train_phases(model, [phase], given, seed=0)

    def by_a_bare_loop() -> Prepared:
        model = student(case.student).train()
        return lambda: _descend(model, phase, ready)

    return {OURS: by_the_engine, READY: by_a_bare_loop}


def ready_batches(phase: Phase, given: TrainingSetting, step: int = 0) -> Batches:
    """What the loss of a step is given: images by chance, in the views that the phase asks for."""
    rng, generator = np.random.default_rng(step), torch.Generator().manual_seed(step)
    streams = {}
    for name, stream in phase.streams.items():
        positions = rng.choice(stream.positions, stream.batch)
        streams[name] = _batch(stream, positions, given, generator)
    return Batches(streams, step + 1, phase.steps)


def _batch(
    stream: Stream, positions: np.ndarray, given: TrainingSetting, generator: torch.Generator
) -> Batch:
    pixels = torch.from_numpy(given.images[positions]).permute(0, 3, 1, 2).float() / 255
    images = pixels.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(len(positions), dtype=torch.int64)
    if stream.labels is not None:
        labels = torch.from_numpy(stream.labels[positions])
    views = {name: VIEWS[name](images, generator, True) for name in stream.views}
    return Batch(views, labels, {}, torch.from_numpy(positions))


def _descend(model: torch.nn.Module, phase: Phase, ready: Sequence[Batches]) -> None:
    optimiser = optimiser_of(model, torch.nn.ModuleDict(), phase)
    average = moving_average(model, phase) if phase.ema else None
    for step in range(phase.steps):
        loss = phase.loss(model, ready[step % len(ready)])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if average is not None:
            average.update_parameters(model)
