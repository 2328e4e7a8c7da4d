"""Foreign names and notes in every format of the leaderboard: nothing steers, nothing computes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from distbench.leaderboard import run_files
from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import FORMATS, PICTURE, write_reports
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.tables.board_table import board_table
from distbench.leaderboard.tables.text_table import terminal_text
from distbench.storage.safe_text import plain

HOSTILE = {
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "C1": "\x9b31m",
    "bidi": "a\u202egnp.exe\u2066",
    "formula": "=cmd|' /C calc'!A0",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "return": "\r-1+cmd",
    "delete": "\x7f+1",
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def collected(make_row, text: str) -> Collected:
    rows = [
        make_row(method, task, accuracy=accuracy, sources={"weights": {text: 1.0}}, role=role)
        for method, accuracy, role in (("finetune", 0.5, "ranked"), (text, 0.7, "control"))
        for task in ("one", text)
    ]
    about = {"note": text, "licence": text}
    origin = RowOrigin(text, "bundle", text, ("one", text), (0,), about)
    return Collected((origin,), tuple(as_records(rows)), (f"{text}: refused",), (text,))


def assert_safe(file: Path) -> None:
    content = file.read_text(encoding="utf-8")
    assert plain(content, keep="\n") == content, file.name
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as stream:
            for cell in (cell for row in csv.reader(stream) for cell in row):
                number = re.fullmatch(r"-?[0-9.]+(e-?\d+)?", cell)
                assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell


def test_every_file_of_a_leaderboard_is_safe(make_row, text: str, tmp_path: Path) -> None:
    some = collected(make_row, text)
    files = write_reports(some, reports(some), tmp_path, (*FORMATS, PICTURE))
    assert {file.suffix for file in files} >= {".md", ".csv", ".json", ".tex", ".html"}
    for file in files:
        assert_safe(file)
    held = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))
    assert held["origins"][0]["submitter"] == text, "JSON means what was submitted"
    page = (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    shown = json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.S)[1])
    assert not set(shown["origins"][0]["submitter"]) & set("\u202e\u2066\x9b\x7f")


def test_every_file_of_a_run_is_safe(make_row, text: str, tmp_path: Path) -> None:
    rows = [make_row(m, t, accuracy=0.5) for m in ("finetune", text) for t in ("one", text)]
    run_files.write(rows, tmp_path / "run")
    for file in (tmp_path / "run").iterdir():
        assert_safe(file)


def test_the_table_for_a_terminal_is_safe(make_row, text: str) -> None:
    board = build_board(list(collected(make_row, text).records))
    table = terminal_text(board_table(board), width=40)
    assert plain(table, keep="\n") == table
