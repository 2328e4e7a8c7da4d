"""How fast students are trained on a GPU: ``python -m benchmarks.gpu [--device cpu --quick]``.

Prints a table: images a second of fine-tuning, beside a bare loop with the same settings on tensors
that lie on the device (aim: 0.9 of it), at each precision, compiled or not, and what share of the
time the loop waited for images; then several trainings at once on one card, by processes as
``--executor local:cells_per_gpu=N`` has them. Embedding beside the bare forward pass is in
``benchmarks/test_embedding.py``, which takes a GPU where there is one (aim: 0.95).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from distbench import Classifier, Phase, Stream
from distbench.engine.training.augment import weak_view
from distbench.engine.training.compiled import compiled_backbone
from distbench.engine.training.loop import train_phases
from distbench.engine.training.meter import Meter
from distbench.engine.training.precision import float32_products, mixed_precision
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.student import build_student
from distbench.plugins.registry import registry

IMAGES, CLASSES, BATCH = 4096, 100, 64
STUDENTS = (("timm:mobilenetv2_035", 64), ("timm:mobilenetv2_035", 224), ("timm:resnet18", 224))
AT_ONCE = (1, 2, 4, 8, 16)
LABELS = np.arange(IMAGES) % CLASSES


def setting(side: int, device: torch.device, precision: str, compile: bool) -> TrainingSetting:
    """Drawn images of one size, and how they are trained on."""
    shape = (IMAGES, side, side, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return TrainingSetting(pixels, side, device, precision, compile=compile)


def student(name: str, device: torch.device) -> Classifier:
    """A student with random weights."""
    chosen = registry().make("student", name)
    return build_student(chosen, CLASSES, pretrained=False, seed=0, device=device)  # type: ignore[arg-type]


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of both loops."""
    return cross_entropy(logits, labels)


def by_the_engine(
    model: Classifier, given: TrainingSetting, steps: int, meter: Meter | None
) -> None:
    """Fine-tuning, as the baseline asks for it."""
    phase = Phase(
        steps=steps,
        streams={"labelled": Stream(np.arange(IMAGES), BATCH, labels=LABELS)},
        loss=lambda model, batch: loss_of(
            model(batch["labelled"].views["weak"]), batch["labelled"].labels
        ),
        lr=0.005,
        weight_decay=0.005,
    )
    train_phases(model, [phase], given, seed=0, meter=meter)


def on_device(given: TrainingSetting) -> tuple[torch.Tensor, torch.Tensor]:
    """All images, ready for a student, and their labels."""
    pixels = torch.from_numpy(np.asarray(given.images)).to(given.device)
    images = (pixels.permute(0, 3, 1, 2).float() / 255).contiguous(
        memory_format=torch.channels_last
    )
    return images, torch.from_numpy(LABELS).to(given.device)


def by_a_bare_loop(
    model: Classifier,
    given: TrainingSetting,
    steps: int,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> None:
    """The same with nothing around it, on tensors that lie on the device."""
    device = given.device
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.005, momentum=0.9, nesterov=True, weight_decay=0.005
    )
    generator = torch.Generator().manual_seed(0)
    model.train()
    backbone: AbstractContextManager[None] = nullcontext()
    if given.compile:
        backbone = compiled_backbone(model, None)
    with backbone:
        for number in range(steps):
            start = number * BATCH % (IMAGES - BATCH)
            chosen = slice(start, start + BATCH)
            with mixed_precision(device, given.precision):
                loss = loss_of(model(weak_view(images[chosen], generator)), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """How long a call takes, with what it leaves the device to do."""
    started = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def one_setting(name: str, given: TrainingSetting, steps: int, turns: int) -> str:
    """One line of the table: both loops by turns, the median of each, after one that warms up."""
    float32_products(given.precision)
    engine, bare, waited = [], [], []
    ready = on_device(given)
    for turn in range(turns + 1):
        model = student(name, given.device)
        meter = Meter(model, given.image_size)
        ours = seconds(lambda m=model, c=meter: by_the_engine(m, given, steps, c), given.device)  # type: ignore[misc]
        model = student(name, given.device)
        plain = seconds(lambda m=model: by_a_bare_loop(m, given, steps, *ready), given.device)  # type: ignore[misc]
        if turn:
            engine.append(ours)
            bare.append(plain)
            waited.append(meter.waited / ours)
    ours, plain = float(np.median(engine)), float(np.median(bare))
    how = given.precision + (" compiled" if given.compile else "")
    return (
        f"{name:22} {given.image_size:4} {how:14} {steps * BATCH / ours:9.0f} images/s   "
        f"{plain / ours:5.2f} of the bare loop   waits {np.median(waited):4.0%}"
    )


def _training(name: str, given: TrainingSetting, steps: int) -> float:
    """Seconds of one training in a process of its own, without its start."""
    by_the_engine(student(name, given.device), given, 2, None)
    return seconds(
        lambda: by_the_engine(student(name, given.device), given, steps, None), given.device
    )


def several(name: str, given: TrainingSetting, steps: int, at_once: int) -> str:
    """One line of the second table: so many trainings at once on one device."""
    with ProcessPoolExecutor(at_once, get_context("spawn")) as pool:
        took = [*pool.map(_training, *zip(*[(name, given, steps)] * at_once, strict=True))]
    rate = sum(steps * BATCH / each for each in took)
    return f"{name:22} {given.image_size:4} {at_once:3} at once {rate:9.0f} images/s together"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it runs")
    given = parser.parse_args()
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here; --device cpu --quick shows that it runs")
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    steps, turns = (3, 1) if given.quick else (300, 3)
    students = STUDENTS[:1] if given.quick else STUDENTS
    precisions = ("fp32", "tf32", "bf16") if device.type == "cuda" else ("fp32",)
    print(f"{what}, torch {torch.__version__}, {steps} steps of {BATCH} images, {turns} turns")  # noqa: T201
    for name, side in students:
        for precision in precisions:
            for compile in (False, True):
                how = setting(side, device, precision, compile)
                print(one_setting(name, how, steps, turns), flush=True)  # noqa: T201
    for name, side in students:
        for at_once in AT_ONCE[: 2 if given.quick else None]:
            how = setting(side, device, precisions[-1], False)
            print(several(name, how, steps, at_once), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
