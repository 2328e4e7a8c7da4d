"""What stands on stderr while a run goes on."""

from __future__ import annotations

import re

import pytest

from distbench.cli import progress
from distbench.interfaces.executor import Outcome


def test_time_left_follows_the_present_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.Progress() as told:
        for left in range(199, 100, -1):
            now[0] += 0.01  # what had been computed before
            told(Outcome("a", "done"), "reading", left)
        for left in range(100, 50, -1):
            now[0] += 10
            told(Outcome("b", "done", seconds=10), "finetune", left)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "[149/200] finetune: done (10.0 s, about 510 s left)"
    left = [int(m[1]) for line in lines if (m := re.search(r"about (\d+) s left", line))]
    assert left[0] == 2
    assert max(left) < 1000
