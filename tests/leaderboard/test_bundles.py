"""Submitted bundles beside runs: one result, its submitter, and bundles that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

import distbench
from distbench.engine.run_folder import open_run
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_markdown
from distbench.submission.publish import pack
from distbench.workflows.collect import collect


@pytest.fixture
def packed(toy_options):
    """A run of toys, and the same run handed in by somebody."""
    run = distbench.run(**{**toy_options, "baseline": ("finetune",), "distiller": ("none",)})
    said = {"submitter": "Ann <b>", "licence": "CC0-1.0", "note": "tried twice"}
    data = pack(open_run(run.folder), name="toy", **said)
    Path("in").mkdir()
    bundle = Path("in/toy.distbench.zip")
    bundle.write_bytes(data)
    return run.folder, bundle


def test_a_run_and_its_submission_are_one_result(packed):
    folder, _ = packed
    found = collect([folder, Path("in")])
    assert found.refused == ()
    assert [(o.kind, o.submitter) for o in found.origins] == [("run", None), ("bundle", "Ann <b>")]
    assert found.origins[1].tasks == found.origins[0].tasks
    assert found.origins[1].about["note"] == "tried twice"
    (report,) = reports(found)
    assert [line.method for line in report.board.lines] == ["finetune"]
    assert report.origins == {"finetune": (0, 1)}
    assert r"Ann \<b\>" in reports_markdown(found, [report])


def test_a_damaged_bundle_is_left_out_whole(packed):
    _, bundle = packed
    Path("in/cut.distbench.zip").write_bytes(bundle.read_bytes()[:-200])
    found = collect([Path("in")])
    assert [origin.path for origin in found.origins] == ["in/toy.distbench.zip"]
    assert len(found.refused) == 1
    assert found.refused[0].startswith("in/cut.distbench.zip: ")
    assert "\n" not in found.refused[0]
