"""A page with two tables, and a real browser: skipped where there is no Chromium or Playwright."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_page
from distbench.workflows.collect import collect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
rows_module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rows_module)


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """Leaderboards whose truth is known."""
    return rows_module


@pytest.fixture(scope="module")
def file(tmp_path_factory, synthetic) -> Path:
    """Two tables in one page: the second has one seed and a method of its own."""
    folder = tmp_path_factory.mktemp("browser")
    synthetic.run_folder(folder / "in/one", synthetic.small_board())
    other = ({**row, "suite_version": 2} for row in synthetic.small_board(1))
    synthetic.run_folder(folder / "in/two", other, 1)
    (folder / "in/bad").mkdir()
    (folder / "in/bad/rows.jsonl").write_text("x")
    found = collect([folder / "in"])
    path = folder / "leaderboard.html"
    path.write_text(reports_page(found, reports(found)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs the browser Chromium")
    pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser, file) -> Iterator[Any]:
    """A fresh page that must neither complain nor ask for anything but its own file."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda m: troubles.append(f"console {m.type}: {m.text}"))
    opened.on("pageerror", lambda e: troubles.append(f"error: {e}"))
    opened.on("dialog", lambda d: (troubles.append(f"dialog: {d.message}"), d.dismiss()))
    asked: list[str] = []
    opened.on("request", lambda r: asked.append(r.url))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert troubles == []
    assert {url for url in asked if not url.startswith("data:")} <= {file.as_uri()}
