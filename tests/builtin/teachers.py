"""What the distillers' tests share: sources with made-up outputs, and runs with toy sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import distbench
from distbench import MethodContext, Row, SourceInfo, WeightedSource
from distbench.interfaces.context import Embedding, TransferSet

TESTS = Path(__file__).parents[1]
TOYS = (TESTS / "toys.py", TESTS / "toy_teachers.py")


def source(
    name: str,
    weight: float,
    logits: Sequence[Sequence[float]],
    features: Sequence[Sequence[float]] | None = None,
    **facts: Any,
) -> WeightedSource:
    values = np.array(logits, dtype=np.float32)
    own = values if features is None else np.array(features, dtype=np.float32)
    facts.setdefault("activation", "softmax" if values.shape[1] > 1 else "none")
    info = SourceInfo(
        name=name,
        architecture="x",
        num_classes=values.shape[1],
        feature_dim=own.shape[1],
        input_size=8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        fingerprint=name,
        **facts,
    )
    return WeightedSource(info, weight, Embedding(own, values))


def learning_from(
    context: MethodContext, *sources: WeightedSource, transfer: TransferSet | None = None
) -> MethodContext:
    return replace(context, sources=sources, transfer=transfer)


def softmax(logits: Sequence[float]) -> list[float]:
    total = sum(math.exp(v) for v in logits)
    return [math.exp(v) / total for v in logits]


def cross_entropy(p: Sequence[float], logits: Sequence[float]) -> float:
    """Of softmax(logits) under p, by hand."""
    return -sum(q * math.log(v) for q, v in zip(p, softmax(logits), strict=True))


def with_targets(batch: Any, **targets: list[list[float]]) -> Any:
    import torch

    return replace(batch, targets={name: torch.tensor(t) for name, t in targets.items()})


def a_folder(root: Path, count: int = 12) -> Path:
    """A folder of coloured noise, some levels deep."""
    for number in range(count):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 200, (16, 16, 3)).astype(np.uint8)
        place = root / f"level-{number % 3}" / "deep" / f"{number:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place)
    return root


def run(toy_options: dict[str, Any], distiller: Any, **more: Any) -> list[Row]:
    """A run of one distiller with the toy teachers, `nearest` and a metric by name."""
    options = {
        **toy_options,
        "plugin": TOYS,
        "zoo": "teacher_zoo",
        "task": ("toy_task",),
        "steps": 5,
        "strategy": "nearest",
        "metric": "by_name",
        "baseline": "none",
        **more,
    }
    return list(distbench.run(distiller=distiller, **options).rows)


def only(rows: list[Row]) -> Row:
    (row,) = rows
    assert row.status == "done", row.reason
    return row
