"""How one source of suite `mini` is trained: a fixed recipe, the same weights every time."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from distbench import Phase, Stream, TrainingSetting, torch_threads, train_phases, write_atomic
from distbench_builtin.shared.mini.drawing.catalogue import DATASETS
from distbench_builtin.shared.mini.drawing.classes import class_names
from distbench_builtin.shared.mini.drawing.render import fingerprint, images, labels
from distbench_builtin.shared.mini.nets import Net, build
from distbench_builtin.shared.mini.zoo_files import MEAN, SIZE, STD, MiniEntry, load_weights
from distbench_builtin.shared.models.cost import macs_and_depth

if TYPE_CHECKING:
    from distbench import Batch, Schedule

# A mirrored picture of these families is another picture of the same class. A mirrored sign or
# slanted texture is another sign or texture.
_MIRRORED = frozenset({"birds", "mammals", "objects"})


@dataclass(frozen=True)
class Recipe:
    """How every source is trained: SGD with Nesterov momentum and a one-cycle schedule."""

    epochs: int = 12
    images: int = 4000
    test_images: int = 500
    batch: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.25
    shift: int = 3
    seed: int = 0


@dataclass(frozen=True)
class MiniModel:
    """One network to be trained.

    Attributes:
        domain: What it is trained on, ``general`` for a generalist.
        architecture: A key of `distbench_builtin.shared.mini.nets.ARCHITECTURES`.
        role: Whether it is a source or a generalist, which sees twice as many images.
    """

    domain: str
    architecture: str
    role: Literal["source", "generalist"] = "source"

    @property
    def name(self) -> str:
        """Name in the zoo."""
        return f"{self.domain}-{self.architecture}"

    @property
    def dataset(self) -> str:
        """Name of its data in `distbench_builtin.shared.mini.drawing`."""
        return self.domain if self.role == "generalist" else f"source-{self.domain}"

    def training(self, recipe: Recipe) -> dict[str, object]:
        """The settings as the manifest records them."""
        images = recipe.images * (2 if self.role == "generalist" else 1)
        return {**asdict(recipe), "images": images}


def train_source(model: MiniModel, recipe: Recipe, folder: Path) -> MiniEntry:
    """Trains one network by one thread, stores it as float16 and measures what was stored.

    Args:
        model: What to train.
        recipe: How.
        folder: Takes ``NAME.safetensors``.
    """
    with torch_threads(1), torch.random.fork_rng(devices=[]):
        return _trained(model, recipe, folder)


def _trained(model: MiniModel, recipe: Recipe, folder: Path) -> MiniEntry:
    from safetensors.torch import save

    settings = model.training(recipe)
    names = class_names(model.dataset)
    digest = hashlib.sha256(f"mini zoo {recipe.seed} {model.name}".encode()).digest()
    seed = int.from_bytes(digest[:7])
    torch.manual_seed(seed)
    net = build(model.architecture, len(names))
    _train(net, model.dataset, int(str(settings["images"])), recipe, seed)
    state = net.state_dict()
    content = save({k: v.half().contiguous() for k, v in state.items() if v.is_floating_point()})
    path = folder / f"{model.name}.safetensors"
    write_atomic(path, content)
    load_weights(net, path)
    macs, depth = macs_and_depth(net, SIZE)
    return MiniEntry(
        name=model.name,
        role=model.role,
        domain=model.domain,
        architecture=model.architecture,
        dataset={"name": model.dataset, "fingerprint": fingerprint(model.dataset)},
        num_classes=len(names),
        classes=names,
        feature_dim=net.num_features,
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        macs=macs,
        depth=depth,
        accuracy=_accuracy(net, model.dataset, recipe.test_images),
        training=settings,
        sha256=hashlib.sha256(content).hexdigest(),
    )


@lru_cache(maxsize=2)
def _pictures(dataset: str, part: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, h, w, 3) and labels (n,); kept, as four networks see them in turn."""
    return images(dataset, part, count), labels(dataset, part, count)


def _normalised(batch: Tensor) -> Tensor:
    """Float images (b, 3, h, w), channels last in memory, of bytes (b, h, w, 3)."""
    mean, std = torch.tensor(MEAN) * 255, torch.tensor(STD) * 255
    return ((batch.float() - mean) / std).permute(0, 3, 1, 2)


def _mirrored_classes(dataset: str) -> NDArray[np.bool_]:
    """Which classes (c,) stay what they are when mirrored."""
    groups = DATASETS[dataset].groups
    return np.repeat([g.family in _MIRRORED for g in groups], [g.n_classes for g in groups])


def _augmented(batch: Tensor, mirror: Tensor, shift: int, random: torch.Generator) -> Tensor:
    """Shifts each image by up to `shift` pixels, its border repeated, and mirrors every other one.

    Not the engine's weak view: the shipped weights are what these draws, in this order, make.

    Args:
        batch: uint8 (b, h, w, 3).
        mirror: bool (b,), which images may be mirrored.
        shift: Most pixels in each direction.
        random: Where the draws come from.
    """
    count, height, width, _ = batch.shape
    moves = torch.randint(-shift, shift + 1, (2, count, 1), generator=random)
    rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)  # (b, h)
    columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)  # (b, w)
    turned = mirror & (torch.rand(count, generator=random) < 0.5)  # (b,)
    columns = torch.where(turned[:, None], width - 1 - columns, columns)
    return batch[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def one_cycle(warm_up: float) -> Schedule:
    """Half a cosine up from 1/25 of the peak and half a cosine down to 1/250000 of it.

    As `torch.optim.lr_scheduler.OneCycleLR` has it (Smith and Topin, arXiv:1708.07120).
    """

    def share(step: int, steps: int) -> float:
        top = warm_up * steps - 1
        if step - 1 < top:
            start, end, part = 1 / 25, 1.0, (step - 1) / top
        else:
            start, end, part = 1.0, 1 / 25e4, (step - 1 - top) / (steps - 1 - top)
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    return share


def _train(net: Net, dataset: str, count: int, recipe: Recipe, seed: int) -> None:
    """Trains a network on the first `count` training images of a dataset."""
    pictures, targets = _pictures(dataset, "train", count)
    mirror = torch.from_numpy(_mirrored_classes(dataset)[targets])

    def view(stored: Tensor, positions: Tensor, random: torch.Generator) -> Tensor:
        return _normalised(_augmented(stored, mirror[positions], recipe.shift, random))

    def optimiser(model: nn.Module, modules: nn.ModuleDict) -> torch.optim.SGD:
        return torch.optim.SGD(
            model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
            weight_decay=recipe.weight_decay,
        )

    def loss(model: Net, batch: Mapping[str, Batch]) -> Tensor:
        return nn.functional.cross_entropy(model(batch["all"].views["own"]), batch["all"].labels)

    images = Stream(
        np.arange(count), recipe.batch, {"own": view}, labels=targets, drop_last=True, seed=seed
    )
    phase = Phase(
        steps=recipe.epochs * (count // recipe.batch),
        streams={"all": images},
        loss=loss,
        lr=recipe.learning_rate,
        schedule=one_cycle(recipe.warmup),
        optimiser=optimiser,
    )
    train_phases(net, [phase], TrainingSetting(pictures, SIZE, torch.device("cpu")), seed=seed)


def _accuracy(net: Net, dataset: str, count: int) -> float:
    """Share of the first `count` test images that a network gets right."""
    pictures, targets = _pictures(dataset, "test", count)
    net.eval()
    with torch.no_grad():
        logits = net(_normalised(torch.from_numpy(pictures)))  # (n, c)
    right = logits.argmax(dim=1) == torch.from_numpy(targets)
    return float(right.float().mean())
