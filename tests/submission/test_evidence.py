"""How far submissions are believed: claimed, recomputed, verified, and attempts to forge it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from distbench.cli.root import app
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_as_dict, reports_markdown
from distbench.plugins.registry import registry
from distbench.workflows.collect import collect
from distbench.workflows.judging import Judging

NAME = "toy.distbench.zip"


def board_of(bundle: Path, plugins: tuple[Path, ...], records: Path | None = None) -> Any:
    """Method to evidence, what was noted, and the report."""
    found = collect([bundle], Judging(registry(plugins)), records)
    (report,) = reports(found)
    return {line.method: line.evidence for line in report.board.lines}, found, report


def recorded(bundle: Path, plugins: tuple[Path, ...], folder: Path, *more: str) -> Any:
    """Computes one cell again from the command line, and keeps a record of it."""
    words = ["validate", str(bundle), "--record", str(folder), *more]
    return CliRunner().invoke(app, [*words, *(w for p in plugins for w in ("--plugin", str(p)))])


@pytest.mark.slow
def test_a_record_verifies_the_methods_of_its_cells_in_that_very_file(
    made: Path, parts: Any, plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    bundle = tmp_path / NAME
    shutil.copy(made / NAME, bundle)
    records = tmp_path / "records"
    done = recorded(bundle, plugins, records, "--rerun", "1", "--choice", "5")
    assert done.exit_code == 0, done.output
    assert f"record: {records / 'toy.json'}" in done.stderr
    record = json.loads((records / "toy.json").read_text())
    (cell,) = record["cells"]
    assert (cell["outcome"], record["rows"], record["choice"]) == ("bit-equal", 12, 5)
    assert "host" not in record["machine"] and record["machine"]["device"] == "cpu"

    evidence, found, report = board_of(bundle, plugins, records)
    others = set(evidence) - {cell["method"]}
    assert len(others) == 2
    assert evidence == {cell["method"]: "verified", **dict.fromkeys(others, "recomputed")}
    assert found.notes[0].endswith("finished rows: 8 recomputed, 4 verified")
    about = found.origins[0].about["computed again"]
    assert about.startswith("1 of 12 cells, equal in every bit; ")
    table = reports_as_dict(found, [report])
    assert table["origins"][0]["again"] == {cell["method"]: 1}
    assert "| verified " in reports_markdown(found, [report])

    # The same record beside the bundle, where who submits could lay it, says nothing.
    shutil.copytree(records, tmp_path / "beside")
    shutil.copy(bundle, tmp_path / "beside" / NAME)
    assert set(board_of(tmp_path / "beside", plugins)[0].values()) == {"recomputed"}

    # Another file under the same name has no part in it, and neither has one that says so itself.
    parts.manifest["note"] = "verified"
    other = parts.write(tmp_path / "beside" / NAME)
    evidence, found, _ = board_of(other, plugins, records)
    assert set(evidence.values()) == {"recomputed"} and found.origins[0].again == {}
    assert any("is of another file than" in n and "counts for nothing" in n for n in found.notes)


def test_what_bundle_and_record_cannot_say_of_themselves(
    made: Path, parts: Any, plugins: tuple[Path, ...], tmp_path: Path
) -> None:
    assert set(board_of(made / NAME, ())[0].values()) == {"claimed"}, "no labels are at hand"
    assert set(board_of(made / NAME, plugins)[0].values()) == {"recomputed"}

    row = parts.done()
    row["result"]["accuracy"] = row["result"]["balanced_accuracy"] = 1.0
    evidence, found, _ = board_of(parts.write(tmp_path / NAME), plugins)
    assert evidence.pop("finetune") == "claimed" and set(evidence.values()) == {"recomputed"}
    assert any(
        "accuracies of 1 row are not what the predictions give" in note for note in found.notes
    )
    refused = recorded(tmp_path / NAME, plugins, tmp_path / "r", "--rerun", "1")
    assert refused.exit_code == 3 and not (tmp_path / "r").exists()

    for name in ("evidence", "verified", "computed_again"):
        parts.manifest[name] = "verified"
        assert name in collect([parts.write(tmp_path / NAME)]).refused[0]
        del parts.manifest[name]

    for text, why in (("{", "is no record: "), ('{"cells": []}', "is no record: ")):
        (tmp_path / "toy.json").write_text(text)
        notes = board_of(made / NAME, plugins, tmp_path)[1].notes
        assert any(why in note and note.endswith("it counts for nothing") for note in notes)

    bare = recorded(made / NAME, plugins, tmp_path / "r")
    assert bare.exit_code == 2 and "--record is of cells computed again" in bare.stderr
    absent = CliRunner().invoke(app, ["leaderboard", str(made), "--verified", str(tmp_path / "no")])
    assert absent.exit_code == 2 and "--verified: there is no folder" in absent.stderr
