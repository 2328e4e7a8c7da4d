"""What stands on stderr while a run goes on."""

from __future__ import annotations

import re

import pytest

from distbench.cli.shown import progress


def test_time_left_follows_the_present_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.UnitProgress() as units:
        for done in range(1, 100):
            now[0] += 0.01  # what had been computed before
            units("reading: done (0.0 s)", done, 200)
        for done in range(100, 150):
            now[0] += 10
            units("finetune: done (10.0 s)", done, 200)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "[149/200] finetune: done (10.0 s), about 510 s left"
    left = [int(m[1]) for line in lines if (m := re.search(r"about (\d+) s left", line))]
    assert left[0] == 2
    assert max(left) < 1000
