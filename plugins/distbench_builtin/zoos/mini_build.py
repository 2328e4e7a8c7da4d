"""Trains the zoo of suite `mini`: one fixed recipe for all, the same weights every time."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from distbench import UsageError
from distbench_builtin.nets import Net, build, cost
from distbench_builtin.tasks.mini import DATASETS, class_names, fingerprint, images, labels
from distbench_builtin.zoos.mini import MANIFEST, MEAN, SIZE, STD, Entry, Manifest, load_weights

DOMAINS = ("birds", "dogs", "cats", "objects", "clutter", "textures", "glyphs")
ARCHITECTURES = ("fast", "dw", "plain", "res")
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
class Model:
    """One network to be trained.

    Attributes:
        domain: What it is trained on, ``general`` for a generalist.
        architecture: A key of `distbench_builtin.nets.ARCHITECTURES`.
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
        """Name of its data in `distbench_builtin.tasks.mini`."""
        return self.domain if self.role == "generalist" else f"source-{self.domain}"

    def training(self, recipe: Recipe) -> dict[str, object]:
        """The settings as the manifest records them."""
        images = recipe.images * (2 if self.role == "generalist" else 1)
        return {**asdict(recipe), "images": images}


MODELS = (
    *(Model(domain, architecture) for domain in DOMAINS for architecture in ARCHITECTURES),
    Model("general", "stu", "generalist"),
    Model("general", "res", "generalist"),
)


def free_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def build_zoo(
    folder: Path,
    *,
    only: Sequence[str] | None = None,
    recipe: Recipe | None = None,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Trains a zoo and writes its weights and manifest.

    Each source is trained by one thread from seeds of its own, so the number of workers does
    not matter. What is finished is kept in ``FOLDER.building`` until all is, and is not trained
    again after an interruption; then the folder is put in place at once.

    Args:
        folder: Folder to write; an older zoo in it is replaced.
        only: Names of the sources to make a zoo of; all where none is named.
        recipe: How to train.
        workers: Processes; with 1 the training runs in this one.
        report: Is told one line for each source.

    Raises:
        UsageError: A name is unknown, or the folder holds something else than a zoo.
    """
    recipe = recipe or Recipe()
    models = _chosen(only)
    folder = folder.resolve()
    if folder.exists() and not _replaceable(folder):
        raise UsageError(f"{folder} holds something else than a mini zoo; name another folder")
    staging = folder.with_name(f"{folder.name}.building")
    staging.mkdir(parents=True, exist_ok=True)
    jobs = [(model, recipe, staging) for model in models]
    entries: list[Entry] = []
    with _mapper(min(workers, len(models))) as mapper:
        for number, (entry, seconds) in enumerate(mapper(_make, jobs), 1):
            entries.append(entry)
            how = f"{seconds:.0f} s" if seconds else "was there"
            report(f"{number}/{len(jobs)} {entry.name}: accuracy {entry.accuracy:.3f} ({how})")
    kept = {entry.file for entry in entries}
    for path in staging.iterdir():
        if path.name not in kept:
            path.unlink()
    text = Manifest(sources=tuple(entries)).model_dump_json(indent=1)
    _write(staging / MANIFEST, (text + "\n").encode())
    _replace(folder, staging)


def _replaceable(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return (folder / MANIFEST).exists() or not any(folder.iterdir())


def _chosen(only: Sequence[str] | None) -> list[Model]:
    known = {model.name for model in MODELS}
    for name in only or ():
        if name not in known:
            raise UsageError(
                f"no source {name!r} in the mini zoo; there are {', '.join(sorted(known))}"
            )
    return [model for model in MODELS if not only or model.name in only]


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterator[tuple[Entry, float]]]]:
    if workers == 1:
        yield map
        return
    # Forking after torch has started its threads can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield pool.map


def _make(job: tuple[Model, Recipe, Path]) -> tuple[Entry, float]:
    """The entry of a model and the seconds it took; 0 where it had been trained before."""
    model, recipe, staging = job
    done = staging / f"{model.name}.json"
    try:
        entry = Entry.model_validate_json(done.read_bytes())
        weights = (staging / entry.file).read_bytes()
    except (OSError, ValueError):
        pass
    else:
        same_data = entry.dataset["fingerprint"] == fingerprint(model.dataset)
        same_file = entry.sha256 == hashlib.sha256(weights).hexdigest()
        if same_data and same_file and entry.training == model.training(recipe):
            return entry, 0.0
    began = time.perf_counter()
    with _one_thread():
        entry = _trained(model, recipe, staging)
    _write(done, entry.model_dump_json().encode())
    return entry, time.perf_counter() - began


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums depend on the number of threads; the caller's number and random state come back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


def _trained(model: Model, recipe: Recipe, staging: Path) -> Entry:
    """Trains one network, stores it as float16 and measures what was stored."""
    from safetensors.torch import save

    settings = model.training(recipe)
    names = class_names(model.dataset)
    seed = hashlib.sha256(f"mini zoo {recipe.seed} {model.name}".encode()).digest()
    torch.manual_seed(int.from_bytes(seed[:7]))
    net = build(model.architecture, len(names))
    _train(net, model.dataset, int(str(settings["images"])), recipe)
    state = net.state_dict()
    content = save({k: v.half().contiguous() for k, v in state.items() if v.is_floating_point()})
    path = staging / f"{model.name}.safetensors"
    _write(path, content)
    load_weights(net, path)
    macs, depth = cost(net, SIZE)
    return Entry(
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
def _pictures(dataset: str, part: str, count: int) -> tuple[Tensor, Tensor]:
    """Images uint8 (n, h, w, 3) and labels int64 (n,); kept, as four networks see them in turn."""
    drawn = torch.from_numpy(images(dataset, part, count))
    return drawn, torch.from_numpy(labels(dataset, part, count))


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

    Args:
        batch: uint8 (b, h, w, 3).
        mirror: bool (b,), which images may be mirrored.
        shift: Most pixels in each direction.
        random: Where the draws come from.
    """
    count, height, width, _ = batch.shape
    moves = torch.randint(-shift, shift + 1, (2, count, 1), generator=random)
    rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)
    columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)
    turned = mirror & (torch.rand(count, generator=random) < 0.5)
    columns = torch.where(turned[:, None], width - 1 - columns, columns)
    return batch[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _train(net: Net, dataset: str, count: int, recipe: Recipe) -> None:
    """Trains a network on the first `count` training images of a dataset."""
    pictures, targets = _pictures(dataset, "train", count)
    mirror = torch.from_numpy(_mirrored_classes(dataset))[targets]
    random = torch.Generator().manual_seed(torch.initial_seed())
    optimiser = torch.optim.SGD(
        net.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    steps = count // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        recipe.learning_rate,
        total_steps=recipe.epochs * steps,
        pct_start=recipe.warmup,
        cycle_momentum=False,
    )
    net.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(count, generator=random)[: steps * recipe.batch]
        for chosen in order.reshape(steps, recipe.batch):
            batch = _augmented(pictures[chosen], mirror[chosen], recipe.shift, random)
            loss = nn.functional.cross_entropy(net(_normalised(batch)), targets[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _accuracy(net: Net, dataset: str, count: int) -> float:
    """Share of the first `count` test images that a network gets right."""
    pictures, targets = _pictures(dataset, "test", count)
    net.eval()
    with torch.no_grad():
        right = net(_normalised(pictures)).argmax(dim=1) == targets
    return float(right.float().mean())


def _write(path: Path, content: bytes) -> None:
    """Writes a file so that it is there wholly or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _replace(folder: Path, staging: Path) -> None:
    """Puts a finished folder in the place of an older one."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    staging.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
