"""Trains one source model; goes on from a checkpoint where an earlier attempt was cut off."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from distbench import DistbenchError
from distbench_builtin.shared.zoo_building.augment import augmented, plain
from distbench_builtin.shared.zoo_building.images import Images
from distbench_builtin.shared.zoo_building.networks import Network, seed_of
from distbench_builtin.shared.zoo_building.settings import Settings

_SAVE_SECONDS = 60.0
"""What is lost at most when the process is killed."""


Progress = Callable[[int, int, float], None]
"""Told of the steps that are done, of all steps, and of the loss."""


class DivergedError(DistbenchError):
    """The loss is no number any more."""


class Normalised(nn.Module):
    """A network behind the normalisation of its input.

    Args:
        network: Takes normalised images.
        spec: Has their mean and standard deviation.
    """

    def __init__(self, network: nn.Module, spec: Network) -> None:
        super().__init__()
        self.network = network
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of images in 0..1."""
        batch = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        logits: torch.Tensor = self.network(batch)
        return logits


def train(
    network: nn.Module,
    spec: Network,
    images: Images,
    settings: Settings,
    *,
    flip: bool,
    seed: int,
    device: torch.device,
    checkpoint: Path,
    key: str,
    progress: Progress = lambda step, steps, loss: None,
    stop_after: int | None = None,
) -> nn.Module:
    """Trains a network; on a CPU the same numbers come out whether it is interrupted or not.

    All draws of a step come from the seed and the step's number, and not from a state, so that a
    checkpoint holds nothing but weights and momentum.

    Args:
        network: With its initial weights; changed in place.
        spec: What is known of it.
        images: What it learns from.
        settings: The protocol.
        flip: Whether images may be mirrored.
        seed: Of everything that is drawn.
        device: Where it is trained.
        checkpoint: File that is written now and then, and read if it is there and has this key.
        key: Everything that the numbers depend on, as a digest.
        progress: Told now and then how far it is.
        stop_after: Steps after which it stops with a checkpoint, as if it were interrupted.

    Returns:
        The network, on the CPU, in evaluation mode.

    Raises:
        DivergedError: The loss is no number any more.
    """
    key = f"{key} {torch.__version__}"  # older versions may name and order things otherwise
    model = Normalised(network, spec).to(device).to(memory_format=torch.channels_last)
    optimiser = _optimiser(network, settings)
    scaler = torch.amp.GradScaler(enabled=settings.precision == "fp16" and device.type == "cuda")
    steps = settings.total_steps(len(images.labels))
    highest = settings.lr or (0.1 if spec.start == "random" else 0.01)
    step = _resume(checkpoint, key, network, optimiser, scaler, device)
    saved = time.monotonic()
    model.train()

    def save() -> None:
        state = {"key": key, "step": step, "network": network.state_dict()}
        state |= {"optimiser": optimiser.state_dict(), "scaler": scaler.state_dict()}
        draft = checkpoint.with_name(f"{checkpoint.name}.{os.getpid()}")
        torch.save(state, draft)
        draft.replace(checkpoint)

    with _batches(images, settings.batch, seed, step, steps) as batches, _own_random(device):
        try:
            for pixels, labels in batches:
                torch.manual_seed(seed_of(seed, "layers", step))
                draw = torch.Generator().manual_seed(seed_of(seed, "views", step))
                for group in optimiser.param_groups:
                    group["lr"] = highest * _share(step, steps, settings.warmup)
                views = augmented(pixels.to(device), settings, flip, draw)
                with _autocast(device, settings.precision):
                    logits = model(views)
                loss = _loss(logits.float(), labels.to(device), settings.smoothing)
                optimiser.zero_grad(set_to_none=True)
                scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                scaler.step(optimiser)
                scaler.update()
                step += 1
                late = time.monotonic() - saved > _SAVE_SECONDS
                if late or step % 50 == 0 or step == steps:
                    value = float(loss.detach())
                    if not math.isfinite(value):
                        raise DivergedError(
                            f"training diverged before step {step}: the loss is {value}; a lower "
                            "learning rate (--lr) may help"
                        )
                    progress(step, steps, value)
                if late:
                    save()
                    saved = time.monotonic()
                if step == stop_after:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            save()
            raise
    return network.cpu().eval()


def predict(
    network: nn.Module, spec: Network, images: Images, settings: Settings, device: torch.device
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Logits (n, c) of images as they are judged."""
    model = Normalised(network, spec).to(device).to(memory_format=torch.channels_last).eval()
    found = []
    with torch.inference_mode():
        for first in range(0, len(images.labels), settings.batch):
            pixels = torch.from_numpy(np.array(images.pixels[first : first + settings.batch]))
            with _autocast(device, settings.precision):
                logits = model(plain(pixels.to(device), settings.image_size))
            found.append(logits.float().cpu().numpy())
    network.cpu()
    return np.concatenate(found)


def _optimiser(network: nn.Module, settings: Settings) -> torch.optim.SGD:
    """SGD; biases and norms do not decay. Rates are set at each step."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [(weights, settings.weight_decay), (others, 0.0)]
    return torch.optim.SGD(
        [{"params": p, "weight_decay": decay} for p, decay in groups if p],
        lr=0.1,
        momentum=settings.momentum,
        nesterov=settings.momentum > 0,
    )


def _share(step: int, steps: int, warmup: float) -> float:
    """The learning rate of a step as a share of the highest."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising if warmup else 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _loss(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    if labels.ndim == 1:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    judged = (labels >= 0).float()
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0).float(), reduction="none"
    )
    return (each * judged).sum() / judged.sum().clamp(min=1)


def _autocast(device: torch.device, precision: str) -> torch.autocast:
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    # On a CPU, halves save nothing and fp16 has no scaler.
    use = precision != "fp32" and (device.type == "cuda" or precision == "bf16")
    return torch.autocast(device.type, types[precision] if use else torch.bfloat16, enabled=use)


@contextmanager
def _own_random(device: torch.device) -> Iterator[None]:
    """The caller's random state comes back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def _batches(
    images: Images, batch: int, seed: int, first: int, steps: int
) -> Iterator[Iterator[tuple[torch.Tensor, torch.Tensor]]]:
    """Batches from step `first` on; a thread reads one ahead."""
    count = len(images.labels)
    size = min(batch, count)
    orders: dict[int, np.ndarray[Any, np.dtype[np.int64]]] = {}

    def order(epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        if epoch not in orders:
            orders.clear()
            draw = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
            orders[epoch] = torch.randperm(count, generator=draw).numpy()
        return orders[epoch]

    def read(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        places = range(step * size, (step + 1) * size)
        rows = np.array([order(place // count)[place % count] for place in places])
        at = np.sort(rows)  # in the order of the file
        return torch.from_numpy(images.pixels[at]), torch.from_numpy(images.labels[at])

    with ThreadPoolExecutor(max_workers=1) as pool:

        def stream() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            pending = deque(pool.submit(read, step) for step in range(first, min(first + 1, steps)))
            for step in range(first, steps):
                found = pending.popleft().result()
                if step + 1 < steps:
                    pending.append(pool.submit(read, step + 1))
                yield found

        yield stream()


def _resume(
    checkpoint: Path,
    key: str,
    network: nn.Module,
    optimiser: torch.optim.SGD,
    scaler: torch.amp.GradScaler,
    device: torch.device,
) -> int:
    """Loads a checkpoint of this training, if there is one.

    Returns:
        The step it was at; 0 without one.
    """
    try:
        held = torch.load(checkpoint, map_location=device, weights_only=True)
    except FileNotFoundError:
        return 0
    except Exception:  # half a file, or another version's: training begins again
        return 0
    if not isinstance(held, dict) or held.get("key") != key:
        return 0
    network.load_state_dict(held["network"])
    optimiser.load_state_dict(held["optimiser"])
    if scaler.is_enabled() and held["scaler"]:
        scaler.load_state_dict(held["scaler"])
    return int(held["step"])
