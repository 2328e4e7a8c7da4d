"""The reference values of the metrics and what they are of; see `tests/data/goldens/README.md`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GOLDENS = Path(__file__).resolve().parents[2] / "data" / "goldens"


@pytest.fixture(scope="session")
def goldens() -> dict[str, Any]:
    """What each implementation gives: case -> key -> value, settings, trust."""
    return json.loads((GOLDENS / "values.json").read_text())


@pytest.fixture(scope="session")
def golden_inputs() -> Callable[[str], dict[str, np.ndarray]]:
    """The arrays of a case, the caller's own."""

    def load(case: str) -> dict[str, np.ndarray]:
        with np.load(GOLDENS / "inputs" / f"{case}.npz") as arrays:
            return dict(arrays)

    return load
