"""How fast a source is run over images, beside the model's bare forward pass.

Both take turns on the same images in the same batches, so that whatever else the machine does
strikes both; `share` is the median over the turns of what the forward pass takes of the embedding.
Decoding is left out: both start from stored images, the bare pass from batches that are ready.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import Source, SourceInfo, WeightsError
from distbench.engine.stages.embed import Order, embed_many, normalise
from distbench.engine.training.batches import to_batch
from distbench_builtin.shared.models.timm_create import create

IMAGES, BATCH, STORED, THREADS, TURNS = 256, 128, 256, 2, 3


class Timm(Source):
    """A timm architecture with random weights; how often it runs does not depend on them."""

    def __init__(self, architecture: str, size: int, width: int) -> None:
        self.model = create(architecture, 1000, {}, error=WeightsError).eval()
        self.info = SourceInfo(
            name=architecture,
            architecture=architecture,
            num_classes=1000,
            feature_dim=width,
            input_size=size,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            fingerprint="random",
        )

    def verify(self) -> None:
        pass

    def open(self, device: torch.device) -> Any:
        model = self.model.to(device)

        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            maps = model.forward_features(images)
            pooled = model.forward_head(maps, pre_logits=True)
            return pooled, model.forward_head(maps)

        return forward


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def stored(count: int = IMAGES) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, STORED, STORED, 3), dtype=np.uint8)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def folder(root: Path, name: str) -> Path:
    found = root / f"{name}-{time.monotonic_ns()}"
    found.mkdir()
    return found


@pytest.mark.parametrize(
    ("architecture", "size", "width"),
    [("resnet50", 224, 2048), ("resnet18", 224, 512), ("mobilenetv3_small_100", 224, 1024)],
)
def test_share_of_the_bare_forward_pass(
    benchmark: Any, tmp_path: Path, architecture: str, size: int, width: int
) -> None:
    source, images, where = Timm(architecture, size, width), stored(), device()
    info = source.info
    forward = source.open(where)
    ready = [
        normalise(to_batch(images[i : i + BATCH], size, where), info.mean, info.std)
        for i in range(0, IMAGES, BATCH)
    ]

    @torch.inference_mode()
    def bare() -> None:
        for batch in ready:
            source.model(batch)

    bare()
    del forward
    shares, alone = [], []

    def turn() -> None:
        whole = seconds(lambda: embed_many([Order(source, folder(tmp_path, "e"))], images, where))
        alone.append((seconds(bare) + before.pop()) / 2)
        before.append(alone[-1])
        shares.append(alone[-1] / whole)

    before = [seconds(bare)]
    benchmark.pedantic(turn, rounds=TURNS)
    benchmark.extra_info["share"] = round(statistics.median(shares), 3)
    benchmark.extra_info["images a second"] = round(IMAGES / statistics.median(alone), 1)


@pytest.mark.parametrize("together", [False, True])
def test_several_sources(benchmark: Any, tmp_path: Path, together: bool) -> None:
    sources = [Timm("mobilenetv3_small_050", 128, 1024) for _ in range(4)]
    images = stored()

    def run() -> None:
        orders = [Order(source, folder(tmp_path, "e")) for source in sources]
        for group in [orders] if together else [[order] for order in orders]:
            embed_many(group, images, device())

    benchmark.pedantic(run, rounds=TURNS, warmup_rounds=1)
