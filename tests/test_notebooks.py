"""The notebooks of the docs run, and are committed without what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

RUN = """
import ast
names = {}
for number, text in enumerate(CELLS):
    *before, last = ast.parse(text).body
    value = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    body = ast.Module(before if value else [*before, last], [])
    exec(compile(body, f"cell {number}", "exec"), names)
    shown = eval(compile(value, f"cell {number}", "eval"), names) if value else None
    if shown is not None:
        print(number, len(shown._repr_html_()))
"""
"""Runs cells one after the other and says how long the table is that each would show."""


def code_of(notebook: Path) -> list[str]:
    """The text of its code cells."""
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_there_are_some_and_the_index_names_them() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    assert NOTEBOOKS
    for notebook in NOTEBOOKS:
        assert f"(notebooks/{notebook.name})" in index


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_whole_and_holds_no_output(notebook: Path) -> None:
    table = json.loads(notebook.read_text())
    assert (table["nbformat"], table["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in table["cells"]]
    assert len(set(names)) == len(names)
    for cell in table["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["execution_count"], cell["outputs"]) == (None, []), cell["id"]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell after cell in one process, each last line shown as a notebook would show it."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    script = tmp_path / "cells.py"
    script.write_text(f"CELLS = {code_of(notebook)!r}\n{RUN}")
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(script)],
        cwd=notebook.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shown = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(shown) >= 3 and min(shown) > 300, done.stdout
