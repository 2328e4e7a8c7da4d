"""Submitted bundles beside runs: one result, its submitter, and bundles that are damaged."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_markdown
from distbench.submission.archive import write_archive
from distbench.submission.publish import pack
from distbench.workflows.collect import collect


@pytest.fixture
def packed(toy_options):
    """A run of toys, and the same run handed in by somebody."""
    run = distbench.run(**{**toy_options, "baseline": ("finetune",), "distiller": ("none",)})
    said = {"submitter": "Ann *b*", "licence": "CC0-1.0", "note": "tried twice"}
    data = pack(open_run(run.folder), name="toy", **said)
    Path("in").mkdir()
    bundle = Path("in/toy.distbench.zip")
    bundle.write_bytes(data)
    return run.folder, bundle


def test_a_run_and_its_submission_are_one_result(packed):
    folder, _ = packed
    found = collect([folder, Path("in")])
    assert found.refused == ()
    assert [(o.kind, o.submitter) for o in found.origins] == [("run", None), ("bundle", "Ann *b*")]
    assert found.origins[1].tasks == found.origins[0].tasks
    assert found.origins[1].about["note"] == "tried twice"
    (report,) = reports(found)
    assert [line.method for line in report.board.lines] == ["finetune"]
    assert report.origins == {"finetune": (0, 1)}
    assert r"Ann \*b\*" in reports_markdown(found, [report])


def test_a_damaged_bundle_is_left_out_whole(packed):
    _, bundle = packed
    Path("in/cut.distbench.zip").write_bytes(bundle.read_bytes()[:-200])
    found = collect([Path("in")])
    assert [origin.path for origin in found.origins] == ["in/toy.distbench.zip"]
    assert len(found.refused) == 1
    assert found.refused[0].startswith("in/cut.distbench.zip: ")
    assert "\n" not in found.refused[0]


def rewritten(bundle: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> Path:
    """A bundle with other rows, whose digests fit."""
    with zipfile.ZipFile(bundle) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    rows = [json.loads(line) for line in members["rows.jsonl"].splitlines()]
    change(rows)
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    manifest = json.loads(members["bundle.json"])
    manifest["members"]["rows.jsonl"] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
    }
    members |= {"rows.jsonl": data, "bundle.json": json.dumps(manifest).encode()}
    path = bundle.with_name(f"{name}.distbench.zip")
    path.write_bytes(write_archive(members))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows[0]["result"].update(accuracy=0.99), "is no whole number of"),
        (lambda rows: rows[0]["cost"].update(training_macs=1), "training took 1 MACs"),
        (lambda rows: rows.append(rows[0]), "the cell stands twice"),
        (lambda rows: rows[0]["result"].update(predictions_digest="0" * 64), "not those of its"),
        (lambda rows: rows[0]["protocol"].update(labelled="<img src=x>"), "its protocol is"),
        (lambda rows: rows[0]["environment"].update(device="\x1b[2J"), "control characters"),
    ],
)
def test_a_bundle_that_claims_what_cannot_be_is_left_out_by_name(packed, change, why):
    _, bundle = packed
    rewritten(bundle, "bad", change)
    found = collect([Path("in")])
    assert [origin.path for origin in found.origins] == ["in/toy.distbench.zip"]
    (line,) = found.refused
    assert line.startswith("in/bad.distbench.zip: ") and why in line and line.isprintable()


def test_it_is_said_what_the_rows_of_a_bundle_rest_on(packed):
    folder, bundle = packed
    assert collect([folder]).notes == ()
    (note,) = collect([bundle]).notes
    assert note.startswith("1 bundle is whole and consistent; finished rows: 2 claimed")
