"""What students cost on the device at hand: multiply-accumulates, latency and memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from distbench.engine.processes.own_process import answer_of
from distbench.errors import reason_of
from distbench.interfaces.student import Student
from distbench.plugins.registry import registry

if TYPE_CHECKING:
    import torch

_CLASSES = 10
_PRELOADED = ("distbench.interfaces.classifier", "timm", "torchvision")
_WARM_UP, _FEWEST, _RUNS, _SECONDS = 3, 3, 30, 2.0
"""Passes before the clock starts, passes timed at least and at most, and for how long at most."""


@dataclass(frozen=True)
class Costs:
    """What one student costs, its classifier of ten classes included.

    Attributes:
        parameters: Trainable numbers.
        macs: Multiply-accumulates of one image.
        latency_ms: Median time of one image.
        memory_mb: What building it and one image add to the memory of the process: of CUDA devices
            their own, weights included. None on Windows, which does not tell.
    """

    parameters: int
    macs: int
    latency_ms: float
    memory_mb: float | None


def measure(
    students: Sequence[Mapping[str, Any]],
    *,
    image_size: int,
    device: str,
    threads: int,
    plugins: tuple[Path, ...] = (),
) -> Iterator[Costs | str]:
    """Measures students one after the other, each with random weights in a process of its own.

    Args:
        students: As tables with ``use`` and parameters.
        image_size: Side of the images, pixels.
        device: As ``--device`` takes it.
        threads: CPU threads.
        plugins: Plugin files that they may come from.

    Yields:
        What each costs, or why it could not be measured.
    """
    for student in students:
        arguments = (dict(student), image_size, device, threads, plugins)
        yield answer_of(_measured, *arguments, preloaded=_PRELOADED)


def _measured(
    student: dict[str, Any],
    image_size: int,
    device: str,
    threads: int,
    plugins: tuple[Path, ...],
) -> Costs | str:
    import torch

    torch.set_num_threads(threads)
    try:
        component = registry(plugins).make("student", student)
        return costs(component, image_size=image_size, device=device)
    except Exception as error:  # an architecture may refuse a size in every way there is
        return reason_of(error)


def costs(student: Student, *, image_size: int, device: str) -> Costs:
    """Measures one student in this process.

    Args:
        student: Random weights do; none are loaded.
        image_size: Side of the images, pixels.
        device: As ``--device`` takes it.
    """
    import torch

    from distbench.engine.device import forget_peak_memory, peak_memory_mb, pick_device
    from distbench.engine.training.macs import count_macs
    from distbench.engine.training.student import build_student

    where = pick_device(device)
    _begin(student, where)
    forget_peak_memory(where)
    before = 0.0 if where.type == "cuda" else peak_memory_mb(where) or 0.0
    model = build_student(student, _CLASSES, pretrained=False, seed=0, device=where).eval()
    images = torch.zeros(1, 3, image_size, image_size, device=where)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        model(images)
        peak = peak_memory_mb(where)
    return Costs(
        parameters=sum(p.numel() for p in model.parameters()),
        macs=count_macs(model, image_size),
        latency_ms=latency_ms(model, image_size, where),
        memory_mb=None if peak is None else peak - before,
    )


def latency_ms(
    model: torch.nn.Module, image_size: int, device: torch.device, *, seconds: float = _SECONDS
) -> float:
    """Median milliseconds of one image, a batch of its own, through a model in evaluation mode.

    Args:
        model: On the device; takes (b, 3, s, s).
        image_size: Side s.
        device: Where it runs.
        seconds: For how long passes are timed at most; there are three in any case.
    """
    import torch

    images = torch.zeros(1, 3, image_size, image_size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    begin = time.perf_counter()
    with torch.inference_mode():
        for _ in range(_WARM_UP):
            model(images)
            if time.perf_counter() - begin > seconds / 2:
                break
        return median(_times(model, images, device, seconds)) * 1000


def _begin(student: Student, device: torch.device) -> None:
    """Has modules imported and the device's libraries loaded: no cost of the student."""
    import torch
    from torch import nn

    try:
        with torch.device("meta"):
            student.backbone(pretrained=False)
    except (NotImplementedError, RuntimeError):  # looks at values while it is built
        student.backbone(pretrained=False)
    with torch.inference_mode():
        layer = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 8)).to(device)
        layer(torch.zeros(1, 3, 8, 8, device=device))


def _times(
    model: torch.nn.Module, images: torch.Tensor, device: torch.device, seconds: float
) -> Iterator[float]:
    """Seconds of single passes."""
    import torch

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    finish()
    begin = time.perf_counter()
    for number in range(1, _RUNS + 1):
        start = time.perf_counter()
        model(images)
        finish()
        end = time.perf_counter()
        yield end - start
        if number >= _FEWEST and end - begin > seconds:
            return
