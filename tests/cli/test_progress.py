"""What stands on stderr while a run goes on."""

from __future__ import annotations

import pytest

from distbench.cli.shown import progress


def test_the_time_left_is_what_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
    with progress.UnitProgress() as units:
        units("expected: about 40 min")
        units("finetune: begun", 0, 3, minor=True, left=100.0)
        units("fixmatch: begun", 0, 3, left=100.0)
        units("finetune: done (10.0 s)", 1, 3, left=80.0)
        units("fixmatch: done (10.0 s)", 2, 3)
        units("scratch: done (10.0 s)", 3, 3, left=0.0)
    assert capsys.readouterr().err.splitlines() == [
        "expected: about 40 min",
        "[0/3] fixmatch: begun, about 2 min left",
        "[1/3] finetune: done (10.0 s), about 80 s left",
        "[2/3] fixmatch: done (10.0 s)",
        "[3/3] scratch: done (10.0 s)",
    ]


def test_a_terminal_counts_down_between_two_pieces_of_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    units = progress.UnitProgress()
    units._end = 60.0
    now[0] = 15.0
    assert units._left() == "about 45 s"
    now[0] = 90.0
    assert units._left() == "about 0 s"
