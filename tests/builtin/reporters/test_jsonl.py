from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from distbench.errors import UsageError
from distbench.workflows.run_result import RunResult
from distbench_builtin.reporters.jsonl import Jsonl

Run = Callable[..., RunResult]
LOG = Path("logs/all.jsonl")


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LOG.read_text().splitlines()]


def test_events_of_a_run_and_of_a_resumed_one(run: Run) -> None:
    made = run(f"jsonl:{LOG}")
    first = lines()
    assert [line["event"] for line in first] == [
        "run_started", "cell_started", "cell_finished", "run_finished",
    ]  # fmt: skip
    assert {line["run"] for line in first} == {"toy"}
    assert (first[0]["cells"], first[0]["missing"]) == (1, 1)
    ended, row = first[2], made.rows[0]
    assert row.result and row.cost
    assert (ended["cell"], ended["key"]) == ("toy_task:finetune:0", row.key)
    assert ended["accuracy"] == row.result.accuracy
    assert ended["cost"]["steps"] == 4
    assert ended["curve"][-1]["step"] == 4
    run(f"jsonl:{LOG}")
    assert [line["event"] for line in lines()[4:]] == ["run_started", "run_finished"]


def test_cells_of_before_are_added_where_the_file_has_them_not(run: Run) -> None:
    run("jsonl:other.jsonl")
    run(f"jsonl:{LOG}")
    assert [line["event"] for line in lines()] == ["run_started", "cell_cached", "run_finished"]
    assert lines()[1]["accuracy"] >= 0
    run(f"jsonl:{LOG}")
    assert len(lines()) == 5


def test_a_failure_says_why_without_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "on purpose")
    run(f"jsonl:{LOG}", baseline="misbehaving")
    failed = lines()[2]
    assert (failed["event"], failed["status"]) == ("cell_failed", "failed")
    assert failed["reason"] == "plugin 'misbehaving': phases: RuntimeError: ***"
    assert "Traceback" not in LOG.read_text()


def test_it_goes_on_after_a_line_that_was_cut(run: Run) -> None:
    LOG.parent.mkdir()
    LOG.write_text('{"event": "cell_fin')
    run(f"jsonl:{LOG}")
    cut, *whole = LOG.read_text().splitlines()
    assert cut == '{"event": "cell_fin'
    assert json.loads(whole[0])["event"] == "run_started"


def test_lines_of_several_writers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"

    def write(number: int) -> None:
        reporter = Jsonl(path=path)
        reporter.check()
        for _ in range(50):
            reporter._write("note", number=number, text="x" * 5000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    found = [json.loads(line)["number"] for line in path.read_text().splitlines()]
    assert sorted(found) == sorted([0, 1, 2, 3] * 50)


def test_a_place_that_cannot_be_written_is_told_at_once(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder; name a file"):
        run(f"jsonl:{tmp_path}")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"reporter jsonl cannot write .*file/log"):
        run(f"jsonl:{tmp_path}/file/log")
    assert not Path("runs").exists()
