"""Rows of a run folder that were changed after they were written: nobody takes them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.engine.records.run_folder import open_run
from distbench.errors import RefusedError, UsageError
from distbench.storage.row_lines import read_line, sealed_line
from distbench.storage.row_schemas import NewerSchemaError
from distbench.submission.publish import submit
from distbench.workflows.collect import collect

WHO = {"submitter": "Ada Lovelace", "licence": "CC-BY-4.0"}


@pytest.fixture
def rows_file(toy_options: dict[str, Any]) -> Path:
    """The rows of a run of a baseline, two seeds."""
    distbench.run(
        **{**toy_options, "baseline": ("finetune",), "distiller": ("none",), "name": "toy"}
    )
    return Path("runs/toy/rows.jsonl")


def unsealed(file: Path) -> None:
    """Writes rows as an older distbench did."""
    rows = [read_line(line).row for line in file.read_bytes().splitlines()]
    file.write_text("".join(row.model_dump_json() + "\n" for row in rows))


def other_accuracy(file: Path) -> None:
    """Changes a digit."""
    text = re.sub(r'"accuracy":0\.\d+', '"accuracy":0.99', file.read_text(), count=1)
    assert text != file.read_text()
    file.write_text(text)


def test_a_line_is_plain_json_with_its_seal_and_gives_its_row_back(rows_file: Path) -> None:
    lines = rows_file.read_bytes().splitlines()
    for line in lines:
        read = read_line(line)
        assert read.sealed and sealed_line(read.row).encode() == line
        table = json.loads(line)
        assert len(table.pop("sha256")) == 64
        assert table == json.loads(read.row.model_dump_json())
    assert collect([rows_file.parent]).notes == ()


def test_every_byte_of_a_line_counts(rows_file: Path) -> None:
    line = rows_file.read_bytes().splitlines()[0]
    right = read_line(line).row
    for place in range(0, len(line), 7):
        other = bytearray(line)
        other[place] = ord("7") if other[place] != ord("7") else ord("8")
        with pytest.raises((ValueError, NewerSchemaError)):
            read_line(bytes(other))
    assert read_line(line + b"\r\n").row == right


@pytest.mark.slow
@pytest.mark.parametrize("command", ["show", "leaderboard", "submit", "merge"])
def test_a_changed_digit_is_refused_with_the_folder_and_the_line(
    rows_file: Path, command: str
) -> None:
    other_accuracy(rows_file)
    arguments = {
        "show": [],
        "leaderboard": ["--output", "out"],
        "submit": ["--submitter", "Ada", "--licence", "CC0-1.0"],
        "merge": ["--output", "out"],
    }
    done = CliRunner().invoke(app, [command, str(rows_file.parent), *arguments[command]])
    assert done.exit_code in (2, 3)
    text = " ".join(done.output.split())
    assert "runs/toy" in text and "line 1 of rows.jsonl" in text
    assert "it was altered after it was written; run it again" in text
    assert "99.0" not in text


def test_a_run_again_mends_it(rows_file: Path, toy_options: dict[str, Any]) -> None:
    before = rows_file.read_bytes()
    other_accuracy(rows_file)
    made = distbench.run(
        **{**toy_options, "baseline": ("finetune",), "distiller": ("none",), "name": "toy"}
    )
    assert made.computed == 0 and rows_file.read_bytes() == before


def test_rows_without_a_seal_are_shown_with_a_warning(rows_file: Path) -> None:
    unsealed(rows_file)
    run = open_run(rows_file.parent)
    assert not run.sealed
    (warning,) = run.warnings
    assert warning.startswith("runs/toy: its rows were written by an older distbench and have no")
    found = collect([rows_file.parent])
    assert found.refused == () and found.notes == run.warnings
    done = CliRunner().invoke(app, ["show", "runs/toy"])
    assert done.exit_code == 0 and "have no seal" in done.stderr


def test_a_seal_that_was_taken_off_one_row_is_told(rows_file: Path) -> None:
    lines = rows_file.read_bytes().splitlines()
    assert len(lines) > 1
    lines[1] = read_line(lines[1]).row.model_dump_json().encode()
    rows_file.write_bytes(b"\n".join(lines))
    with pytest.raises(UsageError, match=r"line 2 of rows\.jsonl: some rows have a seal and some"):
        open_run(rows_file.parent)
    (line,) = collect([rows_file.parent]).refused
    assert "some rows have a seal and some have none" in line


def test_what_is_submitted_is_what_was_computed(rows_file: Path, tmp_path: Path) -> None:
    """Rows that were sealed anew after a change, or have no seal, are held against the store."""
    honest = rows_file.read_bytes()
    rows = [read_line(line).row for line in honest.splitlines()]
    assert rows[0].result
    better = rows[0].result.model_copy(update={"accuracy": 1.0, "balanced_accuracy": 1.0})
    forged = [rows[0].model_copy(update={"result": better}), *rows[1:]]
    for write in (sealed_line, lambda row: row.model_dump_json()):
        rows_file.write_text("".join(write(row) + "\n" for row in forged))
        with pytest.raises(RefusedError, match="seed 0 is not what was computed and stored here"):
            submit(open_run(rows_file.parent), output=tmp_path, **WHO)
    unsealed(rows_file)
    with pytest.raises(RefusedError, match="is not what was computed"):
        submit(open_run(rows_file.parent), output=tmp_path, **WHO)
    rows_file.write_bytes(honest)
    unsealed(rows_file)
    path, _ = submit(open_run(rows_file.parent), output=tmp_path, **WHO)
    assert path.is_file()
    shutil.rmtree(distbench.home() / "cells")
    with pytest.raises(RefusedError, match=r"has no seal.*is not in the store either; run it"):
        submit(open_run(rows_file.parent), output=tmp_path, **WHO)
    rows_file.write_bytes(honest)
    assert submit(open_run(rows_file.parent), output=tmp_path, **WHO)[0].is_file()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[" * 100_000, "5", "[]", "{}", '{"schema": 1}', "\udcff"])
def test_one_damaged_plan_takes_no_other_folder_down(rows_file: Path, text: str) -> None:
    bad = Path("runs/bad")
    shutil.copytree(rows_file.parent, bad)
    (bad / "plan.json").write_bytes(text.encode(errors="surrogateescape"))
    found = collect([Path("runs")])
    assert [origin.path for origin in found.origins] == ["runs/toy"]
    (line,) = found.refused
    assert line.startswith("runs/bad: plan.json is not the plan of a run")
    with pytest.raises(UsageError, match=r"runs/bad|this plan has schema"):
        open_run(bad)


def test_deep_rows_take_no_other_folder_down(rows_file: Path) -> None:
    bad = Path("runs/bad")
    shutil.copytree(rows_file.parent, bad)
    for text in ("[" * 100_000, '{"a":' * 100_000):
        (bad / "rows.jsonl").write_text(text)
        (line,) = collect([Path("runs")]).refused
        assert line.startswith("runs/bad: line 1 of rows.jsonl is no row")
        with pytest.raises(UsageError, match="runs/bad holds no readable plan and rows"):
            open_run(bad)


def test_rows_of_another_run_are_no_rows_of_this_one(toy_options: dict[str, Any]) -> None:
    """Each line is whole; but it is of a cell that this run does not have."""
    options = {**toy_options, "task": "toy_task", "distiller": "none", "baseline": "finetune"}
    one = distbench.run(**{**options, "name": "one"}).folder
    other = distbench.run(**{**options, "name": "other", "steps": 8}).folder
    (one / "rows.jsonl").write_bytes((other / "rows.jsonl").read_bytes())
    with pytest.raises(UsageError, match=r"line 1 of .* is of a cell that plan"):
        open_run(one)
    assert "line 1 of rows.jsonl is of a cell that plan.json" in str(collect([one]).refused)
