"""Two mounts of one folder that do not hear of each other's locks, and two runs at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """One folder seen twice through FUSE, as two machines see a network's folder."""
    if shutil.which("bindfs") is None or not Path("/dev/fuse").exists():
        pytest.skip("needs bindfs and FUSE")
    (tmp_path / "store").mkdir()
    places = (tmp_path / "first", tmp_path / "second")
    for place in places:
        place.mkdir()
        mounted = subprocess.run(
            ["bindfs", str(tmp_path / "store"), str(place)], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"bindfs cannot mount here: {mounted.stderr.strip()}")
    yield places
    for place in places:
        subprocess.run(["fusermount", "-u", str(place)], check=False)


def test_nothing_is_lost(drive: Any, serial_results: Any, mounts: tuple[Path, Path]) -> None:
    drivers = [
        drive(
            "local",
            "--workers",
            "1",
            folder=place.parent / f"run-{place.name}",
            environment={"DISTBENCH_HOME": str(place)},
        )
        for place in mounts
    ]
    for driver in drivers:
        code, said = driver.ends()
        assert code == 0, said
        assert "failed" not in said and "lost" not in said
        assert driver.results() == serial_results
    left = [p for p in (mounts[0]).rglob(".tmp-*") if p.is_dir()]
    assert left == []
    assert os.listdir(mounts[0]) == os.listdir(mounts[1])  # noqa: PTH208 - as the mounts give it
