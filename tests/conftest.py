from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

TOYS = Path(__file__).with_name("toys.py")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a home and a working folder of its own, and no third-party plugins."""
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISTBENCH_PLUGINS", "")
    monkeypatch.delenv("DISTBENCH_STRICT_PLUGINS", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real images and weights, and others' results; what needs them skips where they are absent."""
    found = Path(__file__).resolve().parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("needs the folder ../shared with real images and weights")
    return found


@pytest.fixture
def toy_options() -> dict[str, object]:
    """A run of a second: tiny tasks, a tiny zoo and student from `toys.py`."""
    return {
        "plugin": (TOYS,),
        "task": ("toy_task", "toy_task:hue=0.5"),
        "zoo": "toy_zoo",
        "student": "toy_student",
        "image_size": 16,
        "steps": 4,
        "batch": 8,
        "labelled": "3-per-class",
        "executor": "serial",
        "name": "toy",
        "save_student": False,
    }
