"""What is run where no suite says it: a protocol and methods that fit this machine.

A practitioner's first run should end while he waits. So without a suite image size, steps, batch
and methods follow from what the machine is, never from how fast it happened to be: the same
machine gives the same protocol, of which keys are made.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from distbench.interfaces.suite import Protocol, Value
from distbench.planning.resolved_task import ResolvedTask
from distbench.storage.system.machine import usable_cores, visible_gpus
from distbench.storage.system.memory import total_memory

_LITTLE = 2.5e9
"""Bytes a worker below which images are smaller still, as an ordinary student of 128 pixels and its
images may take that much."""
_FEW = 200
"""Images to train on below which there are fewer steps; 300 steps of 32 are 48 times 200."""


@dataclass(frozen=True)
class Machine:
    """What of a machine decides.

    Attributes:
        cores: CPU cores that may be used.
        gpu: Whether students are trained on a GPU.
        memory: All its bytes, as what is free changes; None where nobody tells.
    """

    cores: int
    gpu: bool
    memory: float | None

    @classmethod
    def here(cls, device: str) -> Machine:
        """This machine, for a ``--device``; ``auto`` takes a GPU where one is seen."""
        gpu = bool(visible_gpus()) if device == "auto" else device != "cpu"
        return cls(usable_cores(), gpu, total_memory())

    def __str__(self) -> str:
        if self.gpu:
            return "a GPU"
        return f"{self.cores} CPU core{'s' * (self.cores != 1)}"


@dataclass(frozen=True)
class Quick:
    """What is run unless the user says otherwise.

    Attributes:
        protocol: Of every task.
        distiller: Methods that learn from sources.
        baseline: Methods without.
        why: What it was chosen for, in words.
    """

    protocol: Protocol
    distiller: tuple[Value, ...]
    baseline: tuple[Value, ...]
    why: str

    def note(self, given: Collection[str]) -> str | None:
        """A line on what was chosen; None where nothing was.

        Args:
            given: Options that the user gave himself.
        """
        protocol = self.protocol
        parts = {
            "image_size": f"{protocol.image_size} pixels",
            "steps": f"{protocol.steps} steps",
            "batch": f"batches of {protocol.batch}",
            "distiller": f"distillers {', '.join(map(str, self.distiller))}",
            "baseline": f"baseline {', '.join(map(str, self.baseline))}",
        }
        chosen = {option: text for option, text in parts.items() if option not in given}
        if not chosen:
            return None
        options = ", ".join(f"--{option.replace('_', '-')}" for option in chosen)
        return f"chosen for {self.why}: {', '.join(chosen.values())} ({options} say otherwise)"


def quick(tasks: Sequence[ResolvedTask], machine: Machine) -> Quick:
    """Protocol and methods for tasks on a machine.

    On a CPU a student of some 60 million MACs at 224 pixels then takes one to three minutes a
    method. FixMatch is left to who asks for it: its step has fifteen times as many images.
    `label_propagation` is defined where an image has one class.

    Args:
        tasks: Their indexes are read.
        machine: Where they are computed.

    Raises:
        DataError: The data of a task cannot be used.
    """
    images = [len(task.index.parts["train"].labels) for task in tasks]
    why = f"{machine}, {_spoken(images)}"
    several = any(task.index.several for task in tasks)
    distiller = ("pseudo_labels",) if several else ("pseudo_labels", "label_propagation")
    if machine.gpu:
        protocol = Protocol()
    else:
        protocol = Protocol(
            image_size=_image_size(machine),
            batch=32,
            steps=200 if min(images, default=0) < _FEW else 300,
        )
    return Quick(protocol, distiller, ("finetune",), why)


def _image_size(machine: Machine) -> int:
    if machine.memory is not None and machine.memory / machine.cores < _LITTLE:
        return 64
    return next(size for least, size in ((16, 160), (4, 128), (0, 96)) if machine.cores >= least)


def _spoken(images: Sequence[int]) -> str:
    low, high = min(images, default=0), max(images, default=0)
    return f"{low:,} images to train on" if low == high else f"{low:,} to {high:,} images"
