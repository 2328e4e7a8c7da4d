"""The benchmark of a million images, with a few: killed in the middle, gone on with, measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.million import LIMIT, Step, measure, measured, prepare_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def test_it_is_killed_and_goes_on(tmp_path: Path) -> None:
    prepare_folder(tmp_path, images=60, test=12, classes=3, side=16, steps=2)
    steps: list[Step] = []
    begun = tmp_path / "home" / "artifacts" / "images"
    measure(tmp_path, steps.append, begun.exists)
    assert len(steps) == 6
    assert all(0 < step.own < min(step.resident, LIMIT) for step in steps)
    said = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "2 cells, 0 computed now" in said, "the last of them finds everything"
    with pytest.raises(RuntimeError, match=r"nonsense: ended with 2; see .*log\.txt"):
        measured("nonsense", tmp_path, ["no-such-command"])
