"""A run whose students can be exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distbench
from distbench.workflows.export.student import Original, original
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]


@pytest.fixture
def run(toy_options: dict[str, Any]) -> Run:
    """Fine-tunes a student on a toy task; images are stored at 16 pixels and judged at 12."""

    def go(**more: Any) -> RunResult:
        options = {
            **toy_options,
            "task": ("toy_task",),
            "distiller": "none",
            "baseline": "finetune",
            "image_size": 12,
            **more,
        }
        return distbench.run(**options)

    return go


@pytest.fixture
def trained() -> Callable[..., Original]:
    """The student of a run's first cell, or of another."""

    def load(made: RunResult, number: int = 0) -> Original:
        return original(made.plan, made.plan.cells[number], distbench.home(), lambda _: None)

    return load


@pytest.fixture
def picture(tmp_path: Path) -> np.ndarray:
    """An image that is neither square nor of the stored size, (h, w, 3)."""
    return np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)
