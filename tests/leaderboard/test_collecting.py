"""Runs and submissions gathered: what is read, refused, kept apart and put into one table."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import slug, write_reports
from distbench.leaderboard.rows.common_cells import common_tasks
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.row_reader import as_records
from distbench.workflows.collect import collect


def gathered(*files, kinds=None) -> Collected:
    """Files as they would be read; `kinds` holds (kind, submitter) for each."""
    kinds = kinds or [("run", None)] * len(files)
    origins = tuple(RowOrigin(f"file{i}", *kind) for i, kind in enumerate(kinds))
    records = [r._replace(origin=i) for i, rows in enumerate(files) for r in as_records(rows)]
    return Collected(origins, shared(records), ())


def shared(records):
    """Settings held once, as one reader does."""
    settings = []
    found = []
    for row in records:
        if row.setting not in settings:
            settings.append(row.setting)
        found.append(row._replace(setting=settings[settings.index(row.setting)]))
    return tuple(found)


@pytest.fixture
def pair(make_rows):
    return [
        *make_rows("finetune", {"a": [0.5], "b": [0.6]}),
        *make_rows("m", {"a": [0.7], "b": [0.7]}),
    ]


def test_folders_are_searched_and_the_unreadable_is_named(save_run, pair, tmp_path):
    save_run(tmp_path / "deep" / "er" / "good", pair)
    bad = save_run(tmp_path / "deep" / "bad", pair)
    (bad / "rows.jsonl").write_text('{"status": "done"}\n')
    torn = save_run(tmp_path / "deep" / "torn", pair)
    (torn / "plan.json").write_text("{")
    nan = save_run(tmp_path / "deep" / "nan", pair)
    (nan / "rows.jsonl").write_text(pair[0].model_dump_json().replace("0.5", '"NaN"', 1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("x")
    (tmp_path / "deep" / "x.distbench.zip").write_bytes(b"no zip")
    found = collect([tmp_path / n for n in ("deep", "empty", "note.txt", "none", "deep/er/good")])
    assert [origin.path for origin in found.origins] == [str(tmp_path / "deep/er/good")]
    assert len(found.records) == 4
    lines = {line.split(": ")[0].rpartition("/")[2]: line for line in found.refused}
    assert set(lines) == {"bad", "torn", "nan", "x.distbench.zip", "empty", "note.txt", "none"}
    assert "line 1 of rows.jsonl is no row: " in lines["bad"]
    assert "plan.json is not the plan of a run" in lines["torn"]
    assert "accuracy nan of finetune on a is not between 0 and 1" in lines["nan"]
    assert "holds no run (rows.jsonl) and no bundle" in lines["empty"]
    assert "is neither a run's folder, nor its rows (rows.jsonl), nor a bundle" in lines["note.txt"]
    assert "there is no such file or folder" in lines["none"]
    assert all("\n" not in line for line in found.refused)


def test_protocols_students_and_zoos_are_never_mixed(make_row):
    rows = [
        make_row("finetune", "a", 0, 0.5),
        make_row("m", "a", 0, 0.6, zoo="one@1"),
        make_row("m", "a", 0, 0.7, zoo="two@1", components={"metric": {"name": "x"}}),
        make_row("finetune", "a", 0, 0.5, protocol={"steps": 20, "image_size": 32}),
        make_row("finetune", "a", 0, 0.5, student={"name": "timm", "params": {"model": "tiny"}}),
        make_row("finetune", "a", 0, 0.5, suite_version=2),
    ]
    made = reports(gathered(rows))
    assert {report.label: sorted(x.method for x in report.board.lines) for report in made} == {
        "mini v1, student mini, zoo one, steps 200": ["finetune", "m"],
        "mini v1, student mini, zoo two, steps 200": ["finetune", "m"],
        "mini v1, student mini, zoo none, steps 20": ["finetune"],
        "mini v1, student timm:tiny": ["finetune"],
        "mini v2, student mini": ["finetune"],
    }


def test_other_data_of_a_task_is_another_table(make_row):
    files = [[make_row("finetune", "a", 0, 0.5, fingerprint=f)] for f in ("f", "g")]
    labels = [report.label for report in reports(gathered(*files))]
    assert labels == ["mini v1, student mini, data 1", "mini v1, student mini, data 2"]


def test_the_same_result_from_two_files_is_one(pair):
    (report,) = reports(gathered(pair, pair))
    assert len(report.rows) == 4
    assert report.origins == {"finetune": (0, 1), "m": (0, 1)}


def test_two_runs_that_disagree_are_refused_by_name(make_row):
    files = [[make_row("m", "a", 0, accuracy, key=f"{accuracy}")] for accuracy in (0.5, 0.6)]
    with pytest.raises(UsageError) as caught:
        reports(gathered(*files))
    assert str(caught.value) == (
        "two different results for m on a with seed 0 in file0 and file1. Leave one of them out."
    )
    files = [
        [make_row("m", "a", 0, components={"metric": {"name": "x", "params": {"k": k}}})]
        for k in (1, 2)
    ]
    with pytest.raises(UsageError, match="are called m: k of its metric is 1 and 2 in file0 and"):
        reports(gathered(*files))


def test_submissions_that_disagree_are_listed_under_their_submitters(make_row):
    files = [[make_row("m", "a", 0, accuracy)] for accuracy in (0.5, 0.6, 0.7, 0.8)]
    kinds = [("run", None), ("bundle", "ann"), ("bundle", "bob"), ("bundle", "bob")]
    (report,) = reports(gathered(*files, kinds=kinds))
    assert sorted(line.method for line in report.board.lines) == [
        "m",
        "m @ ann",
        "m @ bob (file2)",
        "m @ bob (file3)",
    ]
    agreeing = gathered(files[0], files[0], kinds=kinds[:2])
    assert [line.method for line in reports(agreeing)[0].board.lines] == ["m"]


def test_the_table_is_over_what_compares_most_cells(make_rows, make_row):
    full = {t: [0.5, 0.6] for t in ("a", "b", "c")}
    rows = [*make_rows("x", full), *make_rows("y", full), *make_rows("few", {"a": [0.5] * 5})]
    rows += [make_row("odd", "z", 0, 0.5)]
    (report,) = reports(gathered(rows))
    assert (report.board.tasks, report.board.seeds) == (("a", "b", "c"), (0, 1, 2, 3, 4))
    assert {x.method for x in report.board.lines if x.complete} == {"x", "y"}
    assert report.left_out == ("Task z is left out: only 1 method; nothing else is there of odd.",)


def test_a_task_that_defeats_some_is_not_dropped(make_rows, make_row):
    rows = [*make_rows("x", {"a": [0.5], "b": [0.5]})]
    for name in "pqrs":
        rows += [make_row(name, "a"), make_row(name, "b", status="failed", reason="no")]
    found = gathered(rows)
    assert common_tasks(found.records, found.origins) == ("a", "b")


def test_the_order_of_files_does_not_matter(pair, make_rows):
    more = make_rows("n", {"a": [0.65], "b": [0.66]})
    texts = set()
    for files in itertools.permutations([pair, more, pair[:2]]):
        (report,) = reports(gathered(*files))
        texts.add(json.dumps(report.board.as_dict()))
    assert len(texts) == 1


def test_the_command_writes_every_format(save_run, pair, make_rows, tmp_path):
    save_run(Path("runs/one"), pair)
    save_run(Path("runs/two"), make_rows("finetune", {"a": [0.5]}, suite_version=2), tasks=("a",))
    done = CliRunner().invoke(app, ["leaderboard", "--output", "out"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "costs-mini-v1-student-mini.csv",
        "costs-mini-v2-student-mini.csv",
        *("leaderboard-mini-v1-student-mini.csv", "leaderboard-mini-v2-student-mini.csv"),
        *("leaderboard.html", "leaderboard.json", "leaderboard.md", "leaderboard.tex"),
    ]
    text = Path("out/leaderboard.md").read_text()
    assert "# mini v1, student mini" in text
    assert "| `m` " in text
    assert "`runs/one`" in text


def test_a_baseline_that_is_in_no_table_is_refused(save_run, pair):
    save_run(Path("runs/one"), pair)
    given = ["leaderboard", "--output", "out", "--format", "csv", "--baseline"]
    done = CliRunner().invoke(app, [*given, "nope"])
    assert done.exit_code == 2
    assert done.stderr.startswith("distbench: unknown baseline 'nope'. Methods are finetune, m.")
    assert not Path("out").exists()
    assert CliRunner().invoke(app, [*given, "m"]).exit_code == 0


def test_pictures_are_drawn_when_asked_for(save_run, make_rows, tmp_path):
    cost = {"training_macs": 10**9, "teacher_macs": 0}
    rows = [r for m in ("a", "b") for r in make_rows(m, {"a": [0.5, 0.6]}, cost=cost)]
    save_run(Path("runs/one"), rows, tasks=("a",))
    save_run(Path("runs/two"), make_rows("a", {"a": [0.5]}, suite_version=2), tasks=("a",))
    done = CliRunner().invoke(app, ["leaderboard", "--output", "out", "--format", "svg"])
    assert (done.exit_code, done.stderr) == (0, "")
    # The second table has one method: nothing to compare.
    (path,) = Path("out").iterdir()
    assert path.name == "pareto-mini-v1-student-mini.svg"
    assert "Accuracy against compute" in path.read_text()
    done = CliRunner().invoke(app, ["leaderboard", "runs/two", "--format", "svg"])
    assert "Nothing was written: a picture needs two complete methods" in done.stdout


def test_the_command_keeps_what_can_be_read(save_run, pair, tmp_path):
    save_run(Path("good"), pair)
    (save_run(Path("bad"), pair) / "rows.jsonl").write_text("x")
    done = CliRunner().invoke(app, ["leaderboard", "good", "bad", "--format", "csv", "--json"])
    assert done.exit_code == 0
    assert done.stderr.startswith("left out: bad: line 1 of rows.jsonl is no row: ")
    said = json.loads(done.stdout)
    assert said["files"] == ["leaderboard/leaderboard.csv", "leaderboard/costs.csv"]
    assert said["reports"][0]["origins"] == {"m": [0], "finetune": [0]}
    assert len(said["refused"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["leaderboard"], 2, "there is no folder runs or registry/results here"),
        (["leaderboard", "bad"], 3, "none of the inputs holds a result"),
        (["leaderboard", "--format", "pdf"], 2, "unknown format 'pdf'"),
        (["leaderboard", "good", "--measure", "auc"], 2, "unknown measure 'auc'. Did you mean"),
    ],
)
def test_the_command_says_what_is_wrong(save_run, arguments, code, said, pair):
    save_run(Path("good"), pair)
    (save_run(Path("bad"), pair) / "rows.jsonl").write_text("x")
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert not Path("leaderboard").exists()


def test_labels_as_file_names():
    assert slug("Mini v1, student timm:a/b../x") == "mini-v1-student-timm-a-b..-x"
    assert slug("../..") == "table"


def test_no_half_written_files(pair, tmp_path, monkeypatch):
    found = gathered(pair)
    made = reports(found)
    monkeypatch.setattr("distbench.leaderboard.report_files.reports_latex", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_reports(found, made, tmp_path / "out")
    assert not (tmp_path / "out").exists()
