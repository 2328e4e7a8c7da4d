"""Runs and bundles of which a part is missing: said, and not ranked."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import distbench
from distbench.cli import app
from distbench.engine.records.run_folder import open_run
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_as_dict, reports_markdown
from distbench.storage.predictions import FILE, write_predictions
from distbench.storage.row_lines import read_line, sealed_line
from distbench.submission.publish import pack
from distbench.workflows.collect import collect


@pytest.fixture
def cells(make_rows):
    """Two methods on two tasks with two seeds."""
    return [
        row
        for m, v in (("finetune", 0.5), ("m", 0.7))
        for row in make_rows(m, {"a": [v, v + 0.1], "b": [v] * 2})
    ]


def ranks(collected):
    (report,) = reports(collected)
    return {line.method: line.rank for line in report.board.lines}


@pytest.mark.parametrize(
    ("gone", "ranked", "text"),
    [
        (lambda row: row.task.id == "b", set(), "4 of 8 cells are missing: task b"),
        (lambda row: row.seed == 1, set(), "4 of 8 cells are missing: seed 1"),
        (lambda row: row.method.id == "m", {"finetune"}, "4 of 8 cells are missing: method m"),
        (
            lambda row: (row.method.id, row.task.id, row.seed) == ("m", "a", 1),
            {"finetune"},
            "1 of 8 cells is missing: m on a, seed 1",
        ),
    ],
)
def test_what_is_planned_and_not_there_is_said_and_not_ranked(cells, save_run, gone, ranked, text):
    left = [row for row in cells if not gone(row)]
    save_run(Path("runs/x"), left, seeds=(0, 1), planned=cells)
    done = CliRunner().invoke(app, ["leaderboard", "runs/x", "--output", "out"])
    assert done.exit_code == 0
    assert done.stderr == f"note: runs/x: {text}\n"
    collected = collect([Path("runs/x")])
    assert {method for method, rank in ranks(collected).items() if rank} == ranked
    made = reports(collected)
    assert made[0].left_out == (f"runs/x: {text}.",)
    assert (made[0].board.tasks, made[0].board.seeds) == (("a", "b"), (0, 1))
    assert f"runs/x: {text}." in reports_markdown(collected, made)
    assert reports_as_dict(collected, made)["origins"][0]["missing"] == text
    assert text in Path("out/leaderboard.html").read_text()


def test_slices_that_hold_all_together_miss_nothing(cells, save_run):
    for number, task in enumerate("ab"):
        slice = [row for row in cells if row.task.id == task]
        save_run(Path(f"runs/{number}"), slice, seeds=(0, 1), planned=cells)
    collected = collect([Path("runs")])
    assert collected.notes == ()
    assert ranks(collected) == {"m": (1, 2), "finetune": (1, 2)}
    (note,) = collect([Path("runs/1")]).notes
    assert note == "runs/1: 4 of 8 cells are missing: task a"


def test_a_run_without_rows_says_how_it_goes_on(cells, save_run):
    (save_run(Path("runs/x"), cells, planned=cells) / "rows.jsonl").unlink()
    (line,) = collect([Path("runs/x")]).refused
    assert line.startswith("runs/x: it has no rows yet: the run goes on, or was interrupted")


@pytest.fixture
def run(toy_options):
    """A run of a baseline on the toy tasks."""
    options = {**toy_options, "baseline": ("finetune",), "distiller": ("none",), "name": "toy"}
    return distbench.run(**options).folder


def test_show_and_a_submission_say_it_too(run):
    file = run / "rows.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]))
    gone = read_line(lines[0].encode()).row
    done = CliRunner().invoke(app, ["show", str(run)])
    text = f"1 of {len(lines)} cells is missing: "
    assert f"note: runs/toy: {text}" in done.stderr
    bundle = Path("toy.distbench.zip")
    bundle.write_bytes(
        pack(open_run(run), name="toy", submitter="Ann", licence="CC0-1.0", note=None)
    )
    collected = collect([bundle])
    assert collected.notes[0].startswith(f"{bundle}: {text}")
    assert ranks(collected) == {"finetune": None}
    assert gone.task.id in reports(collected)[0].board.tasks


def resealed(run, **changes):
    """Changes the result of the first row and seals it anew."""
    file = run / "rows.jsonl"
    first, *others = [read_line(line).row for line in file.read_bytes().splitlines()]
    first = first.model_copy(update={"result": first.result.model_copy(update=changes)})
    file.write_text("".join(sealed_line(row) + "\n" for row in (first, *others)))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"accuracy": 0.987654}, "is no whole number of"),
        ({"predictions_digest": "0" * 64}, "are not those of its digest"),
    ],
)
def test_a_row_that_its_predictions_cannot_give_is_refused(run, changes, why):
    resealed(run, **changes)
    (line,) = collect([run]).refused
    assert line.startswith("runs/toy: line 1 of rows.jsonl: ") and why in line
    done = CliRunner().invoke(app, ["show", str(run)])
    assert done.exit_code == 2
    assert why in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("how", ["no file", "no tensors", "damaged"])
def test_predictions_that_are_missing_are_noted(run, how):
    if how == "no file":
        (run / FILE).unlink()
    elif how == "no tensors":
        write_predictions(run / FILE, {})
    else:
        (run / FILE).write_bytes(b"x" * 40)
    count = len((run / "rows.jsonl").read_bytes().splitlines())
    collected = collect([run])
    assert collected.refused == () and len(collected.records) == count
    (note,) = collected.notes
    assert note.startswith(
        f"runs/toy: {FILE} does not hold the predictions of {count} of {count} done cells"
    )
    done = CliRunner().invoke(app, ["show", str(run)])
    assert done.exit_code == 0 and f"warning: {note}" in done.stderr
