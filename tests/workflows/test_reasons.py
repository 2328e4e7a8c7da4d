"""What an exception of a component says is kept without secrets and without what steers."""

from __future__ import annotations

from pathlib import Path

import distbench
from distbench.submission.scrub import Scrubber

PLUGIN = '''
from distbench import Baseline, Declined, Metric

TEXT = "GET https://me:pw@h/x as hf_abcdefgh1234567890 \\x1b[2J\\u202e"

class Failing(Baseline):
    """It fails."""
    def phases(self, context):
        raise RuntimeError(TEXT)

class Declining(Baseline):
    """It declines."""
    def phases(self, context):
        raise Declined(TEXT)
'''


def test_reasons_of_rows_hold_no_secrets_and_do_not_steer(toy_options, tmp_path: Path) -> None:
    file = tmp_path / "ideas.py"
    file.write_text(PLUGIN)
    run = distbench.run(
        **{
            **toy_options,
            "plugin": (*toy_options["plugin"], file),
            "task": ("toy_task",),
            "baseline": ("failing", "declining"),
            "distiller": ("none",),
        }
    )
    assert {row.status for row in run.rows} == {"failed", "declined"}
    for row in run.rows:
        assert "https://***@h/x as *** \\u001b[2J\\u202e" in row.reason
        assert "pw@" not in (row.traceback or "")
    for file in [*run.folder.rglob("*.json*"), *(tmp_path / "home" / "cells").rglob("*.json*")]:
        assert b"hf_abcdefgh" not in file.read_bytes(), file


def test_what_is_submitted_holds_no_secrets_of_older_rows() -> None:
    text = "no access to https://me:pw@h/x with ghp_abcdefgh1234567890 in /home/me/data"
    assert Scrubber("me", "box").free_text(text) == (
        "no access to https://***@h/x with *** in data"
    )
