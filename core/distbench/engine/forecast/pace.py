"""How fast this machine is at the student and the sources of a run, measured in a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from distbench.engine.processes.own_process import answers_of
from distbench.errors import interrupts, reason_of
from distbench.interfaces.zoo import Source
from distbench.planning.plan import Plan
from distbench.plugins.registry import Registry, registry
from distbench.storage.system.machine import usable_cores, visible_gpus

if TYPE_CHECKING:
    import torch

_SECONDS = 1.0
"""For which each pass is timed."""
_BATCH = 16
"""Images of a pass that is timed at least; as many as a step takes where that is no long wait,
since more of them fit a cache less well and each takes longer."""
_SOURCES, _SHOWN, _SOURCE_SECONDS = 5, 4, 0.4
"""Sources that are measured at most, images of a pass, and seconds for each: in depthwise layers an
operation takes several times as long as in others, so that one source says little of the rest."""
_READ = 6
"""Images that are read."""
_TOGETHER = 4
"""Processes that measure at once at most."""
_AT_ONCE = 2.2
"""Bytes of a training step for each byte that the layers of one forward pass give: gradients of
them, and what convolutions need beside."""


@dataclass(frozen=True)
class Pace:
    """How long one image takes here, in seconds, with the threads of the protocol.

    Attributes:
        learn: Forward and backward through the student, with its share of the optimiser's step.
        show: Forward alone.
        read: Decoding and resizing.
        sources: Through some of the sources, each with its MACs; 0 where its zoo does not say.
        memory: Bytes that an image of a training step takes.
    """

    learn: float
    show: float
    read: float
    sources: Sequence[tuple[int, float]]
    memory: float

    def of_source(self, macs: int | None) -> float:
        """Seconds of one image through a source with so many MACs.

        As of the measured one that is most like it, in proportion to the MACs; the median where
        they are not known.
        """
        known = [(own, seconds) for own, seconds in self.sources if own]
        if not macs or not known:
            return median(seconds for _, seconds in self.sources) if self.sources else 0.0
        own, seconds = min(known, key=lambda one: max(one[0] / macs, macs / one[0]))
        return seconds * macs / own


def measure_pace(plan: Plan, workers: int = 1) -> Pace | str:
    """Measures the pace of a plan in processes of their own, or says why it could not.

    Args:
        plan: The plan.
        workers: How many units are worked on at once. As many measure at once, up to four: what
            shares a core, caches and memory with others is slower than it is alone.
    """
    shared = plan.device == "cpu" or not visible_gpus()
    answers: list[Pace | str] = answers_of(
        min(workers, _TOGETHER, usable_cores()) if shared else 1, _pace, plan
    )
    paces = [answer for answer in answers if isinstance(answer, Pace)]
    if len(paces) < len(answers):
        return next(answer for answer in answers if isinstance(answer, str))
    return sorted(paces, key=lambda pace: pace.learn)[len(paces) // 2]


def _pace(plan: Plan) -> Pace | str:
    try:
        return _measured(plan)
    except BaseException as error:
        if interrupts(error):
            raise
        return reason_of(error)


def _measured(plan: Plan) -> Pace:
    import torch
    from threadpoolctl import threadpool_limits

    from distbench.engine.device import pick_device
    from distbench.engine.training.student import build_student
    from distbench.engine.training.threads import torch_threads

    names = registry(tuple(map(Path, plan.plugin_files)))
    device, side = pick_device(plan.device), plan.protocol.image_size
    with torch_threads(plan.protocol.threads), threadpool_limits(plan.protocol.threads):
        student = names.make("student", plan.student)
        model = build_student(student, 10, pretrained=False, seed=0, device=device)
        optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
        images = torch.rand(max(_BATCH, plan.protocol.batch), 3, side, side, device=device)
        images = images.contiguous(memory_format=torch.channels_last)

        def learn(count: int) -> None:
            model(images[:count]).square().mean().backward()
            optimiser.step()
            optimiser.zero_grad()
            _wait(device)

        def show(count: int) -> None:
            with torch.inference_mode():
                model(images[:count])
            _wait(device)

        memory = _AT_ONCE * _bytes_of_layers(model, images[:1])
        model.train()
        learn(_BATCH)
        begun = time.perf_counter()
        learn(_BATCH)
        fit = _BATCH * _SECONDS / 3 / (time.perf_counter() - begun)
        count = min(max(_BATCH, int(fit)), len(images))
        learnt = _seconds(lambda: learn(count)) / count
        model.eval()
        shown = _seconds(lambda: show(count)) / count
        sources = _sources(plan, names, device)
    return Pace(learnt, shown, _read(plan, names), sources, memory)


def _seconds(act: Callable[[], None], limit: float = _SECONDS) -> float:
    """The median time that something takes, after it has been done once."""
    act()
    took: list[float] = []
    until = time.perf_counter() + limit
    while not took or time.perf_counter() < until:
        started = time.perf_counter()
        act()
        took.append(time.perf_counter() - started)
    return median(took)


def _wait(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _bytes_of_layers(model: torch.nn.Module, image: torch.Tensor) -> int:
    """What all layers give for one image, which a training step keeps for its backward pass."""
    import torch

    total = 0

    def count(module: torch.nn.Module, inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, torch.Tensor):
            total += output.numel() * output.element_size()

    leaves = [module for module in model.modules() if not [*module.children()]]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    model.eval()
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return total


def _sources(plan: Plan, names: Registry, device: torch.device) -> list[tuple[int, float]]:
    """MACs of some sources, from the lightest to the heaviest, and seconds of an image."""
    from distbench.interfaces.zoo_sources import sources_of

    if plan.zoo is None or not plan.sources:
        return []
    infos = sorted(plan.sources, key=lambda one: (one.macs or 0, one.name))
    steps = max(min(_SOURCES, len(infos)) - 1, 1)
    picked = sorted({round(i * (len(infos) - 1) / steps) for i in range(steps + 1)})
    opened = sources_of(names.make("zoo", plan.zoo))
    return [(infos[i].macs or 0, _of_source(opened[infos[i].name], device)) for i in picked]


def _of_source(source: Source, device: torch.device) -> float:
    import torch

    run, side = source.open(device), source.info.input_size
    images = torch.rand(_SHOWN, 3, side, side, device=device)

    def shown() -> None:
        run(images)
        _wait(device)

    return _seconds(shown, _SOURCE_SECONDS) / _SHOWN


def _read(plan: Plan, names: Registry) -> float:
    """Seconds of reading an image of the first task."""
    task = plan.tasks[0]
    count = min(_READ, task.images.get("test", 0))
    if not count:
        return 0.0
    component = names.make("task", task.component)
    component.read_reduced("test", [0], plan.protocol.store_size)  # looks for all files first
    started = time.perf_counter()
    component.read_reduced("test", range(count), plan.protocol.store_size)
    return (time.perf_counter() - started) / count
