"""What strategies and methods may look at: labelled, unlabelled, validation, but never test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from distbench.errors import ArgumentError
from distbench.interfaces.suite import Protocol as SuiteProtocol
from distbench.interfaces.zoo import SourceInfo, TextHead
from distbench.storage.hashing import seed_for

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.task import Task


Pool = int | Literal["avg"] | None
"""How a layer is made smaller: to one vector an image, to so many cells a side, or not at all."""


@dataclass(frozen=True)
class Embedding:
    """Features and logits of one source on the train images of a task.

    Attributes:
        features: float32 (n, d), memory-mapped.
        logits: float16 or float32 (n, c), memory-mapped.
    """

    features: NDArray[np.floating]
    logits: NDArray[np.floating]


@dataclass(frozen=True)
class WeightedSource:
    """A source that a method learns from: its facts, its weight > 0 and its embedding."""

    info: SourceInfo
    weight: float
    embedding: Embedding


def _no_texts(*_: Any) -> Any:
    """Of a context that was made by hand."""
    raise ArgumentError("this context was made without sources that read texts")


@dataclass(frozen=True, kw_only=True)
class Context:
    """One task with one seed, as a strategy sees it.

    Attributes:
        suite: Name of the suite.
        task: Id of the task.
        seed: The run's seed.
        classes: Class names.
        labels: int64 (n,), `UNLABELLED` everywhere but on labelled and validation images. Where an
            image may show several classes, (n, c): 1 where it shows a class, 0 where not, and
            `UNLABELLED` where that is not known.
        labelled: Positions of labelled images among the n train images.
        unlabelled: Positions of the unlabelled pool; holds the labelled ones too.
        validation: Positions of validation images; never to be trained on.
        protocol: The protocol in force.
        embedding: Embedding of an eligible source by name, opened when asked for.
        text_head: From the name of an eligible source that reads texts, and k sentences, to what
            it makes of them: ``text_head(name, texts).logits(features)`` are logits (n, k).
    """

    suite: str
    task: str
    seed: int
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]
    validation: NDArray[np.int64]
    protocol: SuiteProtocol
    embedding: Callable[[str], Embedding]
    text_head: Callable[[str, Sequence[str]], TextHead] = _no_texts

    @property
    def num_classes(self) -> int:
        """Number of target classes."""
        return len(self.classes)

    @property
    def several(self) -> bool:
        """Whether an image may show several classes.

        Methods see that if their `kinds` say so; a strategy does always, and declines if need be.
        """
        return self.labels.ndim == 2

    def seed_for(self, *axes: str | int) -> int:
        """A seed of this task and seed, and of further axes that are named."""
        return seed_for(self.suite, self.task, self.seed, *axes)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a metric sees of one source and task besides labelled images, as far as it asked.

    Attributes:
        context: The task as a strategy sees it; embeddings of the source are read by its name.
        positions: int64 (n,), which train images those of the probe are.
        images: Gives the probe's images, uint8 (n, t, t, 3), stored for the source's input.
        module: Makes the source a torch module, see `Probe.module`.
    """

    context: Context | None = None
    positions: NDArray[np.int64] | None = None
    images: Callable[[], NDArray[np.uint8]] | None = None
    module: Callable[[], torch.nn.Module] | None = None


@dataclass(frozen=True, kw_only=True)
class TeacherRecipe:
    """How a source becomes a teacher of the target task, before anything is distilled from it.

    Attributes:
        fine_tune: True to fine-tune all of it on the images; False for linear probing, a linear
            classifier on its cached features.
        steps: Optimiser steps of fine-tuning; the teacher's, not the student's.
        batch: Labelled images of a step.
        lr: Peak learning rate.
        head_lr: Learning rate of the new classifier as a multiple of `lr`.
        weight_decay: L2 penalty.
        strength: Of linear probing: inverse of the L2 penalty (features standardised).
        adapt: Of fine-tuning: changes the source's network (up to its features, without its own
            classifier) in place before it is trained. Weights that need no gradient afterwards stay
            as they are, those that it adds are trained. The row counts a step as if all were
            trained, so that with frozen weights its MACs are an upper bound.
    """

    fine_tune: bool = False
    steps: int = 200
    batch: int = 32
    lr: float = 0.01
    head_lr: float = 10.0
    weight_decay: float = 5e-4
    strength: float = 1.0
    adapt: Callable[[torch.nn.Module], None] | None = None


@dataclass(frozen=True)
class TeacherLogits:
    """The outputs of a fine-tuned or linearly probed source, and what they cost.

    Attributes:
        train: float32 (n, C), logits of the target classes on the train images.
        transfer: float32 (m, C), logits on the transfer set; None where there is none.
        steps: Optimiser steps of fine-tuning.
        macs: Multiply-accumulates of fine-tuning and of the logits.
        seconds: Time of both; measured by the engine.
    """

    train: NDArray[np.float32]
    transfer: NDArray[np.float32] | None
    steps: int
    macs: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Transfer:
    """Where a transfer set comes from.

    Attributes:
        images: Gives the images: its train part, without labels.
        budget: Images to retrieve from it for the labelled images of a task, those counted in;
            None to take all.
        encoder: Source by whose features they are retrieved; None for the heaviest one.
    """

    images: Task
    budget: int | None = None
    encoder: str | None = None


@dataclass(frozen=True)
class TransferSet:
    """Unlabelled images besides the task's own, which a method distils on.

    Attributes:
        positions: Which of its images are used: all, or those that were retrieved.
        embedding: Embedding of an eligible source on all its images, by name.
    """

    positions: NDArray[np.int64]
    embedding: Callable[[str], Embedding]


class RunSource(Protocol):
    """Makes a function of a source, for what it says of the view that the student sees."""

    def __call__(
        self,
        source: WeightedSource,
        what: Literal["logits", "features", "all"] = "logits",
        layers: Sequence[str] = (),
    ) -> Callable[[torch.Tensor], Any]:
        """The source as a function of images (b, 3, s, s) in 0..1, whatever their size.

        Args:
            source: One of the context's.
            what: Logits (b, c), pooled features (b, d), or all as `NetworkOutputs`.
            layers: Paths of its modules whose outputs are wanted too; then it is all.

        Returns:
            The function. It computes no gradients; what it is shown is counted.

        Raises:
            Declined: The source has no classes, or no layers.
            ArgumentError: It has no such layer.
        """


class LayerShape(Protocol):
    """Says how large a layer is, for the modules that are to follow it."""

    def __call__(self, name: str, source: WeightedSource | None = None) -> tuple[int, ...]:
        """Shape of a layer without the first axis, (k, h, w) of a map.

        Args:
            name: Path of its module.
            source: Whose layer it is; the student's if None.

        Raises:
            Declined: The source has no layers.
            ArgumentError: There is no such layer.
        """


class KeptLayer(Protocol):
    """Reads a layer of a source on the train images, made now where it is not kept yet."""

    def __call__(self, source: WeightedSource, name: str, pool: Pool = None) -> NDArray[np.float16]:
        """The layer, float16 (n, ...), memory-mapped.

        Args:
            source: One of the context's.
            name: Path of its module; `distbench info source` lists them.
            pool: ``"avg"`` for one vector an image, a number for so many cells a side of a map,
                None for all of it.

        Raises:
            Declined: The source has no layers, or numbers that are not finite in float16.
            ArgumentError: It has no such layer, or one that cannot be pooled so.
            MachineError: It would take more than half of the free disk.
        """


def _no_layers(*_: Any, **__: Any) -> Any:
    """Of a context that was made by hand."""
    raise ArgumentError("this context was made without layers")


@dataclass(frozen=True, kw_only=True)
class MethodContext(Context):
    """One task with one seed, as a method sees it.

    Attributes:
        sources: Sources of weight > 0, heaviest first; empty for baselines.
        num_features: Width of the student's pooled features.
        pretrained: Whether what is trained starts from pretrained weights, and not from random
            ones.
        transfer: The transfer set, where the method asks for one.
        train_teacher: Fine-tunes or linearly probes a source on the target task; its steps and
            operations go into the row.
        run: Runs a source on the very view that the student sees.
        layer: Reads a layer of a source on the train images, for targets of a stream.
        layer_shape: Says how large a layer of the student, or of a source, is.
        device: Where the student is trained, as torch calls it: ``cpu``, ``cuda:0``.
    """

    sources: tuple[WeightedSource, ...] = field(default=())
    num_features: int
    pretrained: bool = True
    transfer: TransferSet | None = None
    train_teacher: Callable[[WeightedSource, TeacherRecipe], TeacherLogits]
    run: RunSource
    layer: KeptLayer = _no_layers
    layer_shape: LayerShape = _no_layers
    device: str = "cpu"
