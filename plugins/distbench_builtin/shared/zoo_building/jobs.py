"""One source model to be trained: what it depends on, and training it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import write_atomic
from distbench_builtin.shared.zoo_building.networks import Network, seed_of
from distbench_builtin.shared.zoo_building.records import Record
from distbench_builtin.shared.zoo_building.settings import Settings

if TYPE_CHECKING:
    import torch

Report = Callable[[str], None]

_SAY_SECONDS = 30.0

_VERSION = 2
"""Raised whenever the same job would give other weights."""


@dataclass(frozen=True)
class PreparedData:
    """Source data as a job needs them: nothing in it has to be imported to be sent to a process.

    Attributes:
        name: What they are called.
        fingerprint: Of images, labels and split.
        classes: Class names.
        multilabel: Whether an image may show several.
        domain: What they show.
        trained_on: What overlaps call them.
        licence: Of models that learn from them.
        flip: Whether images may be mirrored.
    """

    name: str
    fingerprint: str
    classes: tuple[str, ...]
    multilabel: bool
    domain: str
    trained_on: tuple[str, ...]
    licence: str
    flip: bool


@dataclass(frozen=True)
class TrainingJob:
    """A network to be trained on some data."""

    network: Network
    source: PreparedData
    settings: Settings

    @property
    def name(self) -> str:
        """Name of the model."""
        return f"{self.source.name}-{self.network.name}"

    def training(self) -> dict[str, Any]:
        """Everything that its weights depend on; reads the initial weights to name them."""
        return {
            "version": _VERSION,
            "network": self.network.identity(),
            "data": {
                "name": self.source.name,
                "fingerprint": self.source.fingerprint,
                "flip": self.source.flip,
                "multilabel": self.source.multilabel,
            },
            "settings": self.settings.model_dump(exclude={"init"}),
        }

    def key(self) -> str:
        """The same as a digest."""
        whole = json.dumps(self.training(), sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def make(
    job: TrainingJob,
    images: Path,
    folder: Path,
    staging: Path,
    device: str,
    threads: int,
    report: Report,
) -> Record:
    """Trains a model, writes its weights and judges what was written.

    Args:
        job: What to train.
        images: Folder of the decoded images.
        folder: Takes ``NAME.safetensors``.
        staging: Takes its checkpoint.
        device: Where it is trained.
        threads: CPU threads.
        report: Told now and then how far it is.

    Raises:
        DistbenchError: It cannot be trained; says why.
    """
    import torch

    from distbench import Checkpoint, torch_threads
    from distbench_builtin.shared.zoo_building.images import open_data
    from distbench_builtin.shared.zoo_building.judge import judge
    from distbench_builtin.shared.zoo_building.train import predict, train

    source, network, where = job.source, job.network, torch.device(device)
    data = open_data(source.classes, images)
    seed = seed_of("zoo build", job.settings.seed, job.name)
    began = time.perf_counter()
    with torch_threads(threads):
        cost = network.cost(len(source.classes), job.settings.image_size)
        trained = train(
            network.make(len(source.classes), seed),
            network,
            data.train,
            job.settings,
            flip=source.flip,
            seed=seed,
            device=where,
            checkpoint=Checkpoint(checkpoint_file(staging, job), job.key()),
            progress=_reporting(job.name, report),
        )
        seconds = time.perf_counter() - began
        content = _stored(trained)
        file = folder / f"{job.name}.safetensors"
        write_atomic(file, content)
        logits = predict(trained, network, data.test, job.settings, where)
        figure = judge(logits, data.test.labels)
    entry = {
        "name": job.name,
        "format": network.library,
        "file": file.name,
        "architecture": network.model,
        **({"arguments": arguments} if (arguments := network.saved_arguments()) else {}),
        "num_classes": len(source.classes),
        "input_size": job.settings.image_size,
        "mean": list(network.mean),
        "std": list(network.std),
        "interpolation": "bilinear",
        "activation": "sigmoid" if source.multilabel else "softmax",
        "domain": source.domain,
        "trained_on": list(source.trained_on),
        "licence": source.licence,
        "sha256": hashlib.sha256(content).hexdigest(),
        **cost,
    }
    return Record(
        key=job.key(),
        entry=entry,
        figure=figure.what,
        value=figure.value,
        test_images=figure.images,
        training={
            **job.training(),
            "steps": job.settings.total_steps(len(data.train.labels)),
            "train_images": len(data.train.labels),
            "images_left_out": data.skipped,
            "device": where.type,
            "threads": threads,
        },
        classes=source.classes,
        seconds=round(seconds, 1),
    )


def checkpoint_file(staging: Path, job: TrainingJob) -> Path:
    """The file of a job's checkpoint."""
    return staging / f"{job.name}.checkpoint.pt"


def _stored(network: torch.nn.Module) -> bytes:
    """Weights as a file, halved where that loses no range; the network gets what was stored."""
    import torch
    from safetensors.torch import save

    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    fits = all(bool(torch.isfinite(v).all()) for v in halves.values() if v.is_floating_point())
    kept = halves if fits else state
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in kept.items()})
    return save(kept)


def _reporting(name: str, report: Report) -> Callable[[int, int, torch.Tensor], None]:
    """Passes progress on every half minute."""
    began = last = time.monotonic()
    first: int | None = None

    def progress(step: int, steps: int, loss: torch.Tensor) -> None:
        nonlocal last, first
        first = step if first is None else first
        now = time.monotonic()
        if now - last >= _SAY_SECONDS and step > first:
            last = now
            left = (now - began) / (step - first + 1) * (steps - step)
            value = float(loss)
            report(f"  {name}: step {step} of {steps}, loss {value:.3f}, about {left:.0f} s left")

    return progress
