"""What lies in registry/results is accepted, and the table beside it is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import write_reports
from distbench.submission.validate import validate
from distbench.workflows.collect import collect

REGISTRY = Path(__file__).resolve().parents[2] / "registry"
BUNDLES = sorted((REGISTRY / "results").glob("*.distbench.zip"))


@pytest.mark.slow
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_a_submission_is_accepted(bundle: Path) -> None:
    report = validate(bundle)
    assert report.reasons == []
    assert report.facts["recomputed"] == report.facts["cells"]["done"]


@pytest.mark.slow
def test_the_table_is_made_of_the_submissions(tmp_path: Path) -> None:
    found = collect([REGISTRY / "results"], records=REGISTRY / "verified")
    assert found.refused == ()
    (note,) = found.notes
    assert "verified" in note and "claimed" not in note, "every record is of the bundle beside it"
    made = reports(found, baseline="finetune", measure="accuracy")
    write_reports(found, made, tmp_path, ("csv",))
    kept = (REGISTRY / "leaderboard" / "leaderboard.csv").read_text()
    assert (tmp_path / "leaderboard.csv").read_text() == kept, (
        "build it again: distbench leaderboard registry/results --verified registry/verified "
        "--output registry/leaderboard --format md --format csv"
    )
