"""How soon the page of 1,000 methods is there: 8 tasks, 5 seeds, in Chromium, from a file.

``python -m benchmarks.page_load`` prints, of several fresh loads, the least time from the start of
the navigation to the first rows of the table, the parts of it, and the processor time of the page.
The least is what an idle machine gives: whatever else runs can only add. Ends with 0 and a reason
where Playwright or Chromium is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# As soon as the table has rows; marks are in milliseconds since the navigation began.
_WATCH = """
  new MutationObserver((_, watch) => {
    if (!document.querySelector("#methods tbody tr")) return;
    watch.disconnect();
    performance.mark("rows");
    requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
  }).observe(document, { childList: true, subtree: true });
"""
_MARKS = """
  () => Object.fromEntries(performance.getEntriesByType("mark").map((m) => [m.name, m.startTime]))
"""


def build(folder: Path, methods: int, seeds: int) -> Path:
    """A page of synthetic results.

    Args:
        folder: Where it is written.
        methods: How many.
        seeds: Of each on each of eight tasks.

    Returns:
        The page.
    """
    from distbench.leaderboard.analysis.reports import reports
    from distbench.leaderboard.report_files import reports_page
    from distbench.workflows.collect import collect

    file = ROOT / "tests" / "leaderboard" / "page" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", file)
    assert spec is not None and spec.loader is not None
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    synthetic.run_folder(folder / "run", synthetic.large_board(methods, seeds), seeds)
    results = collect([folder / "run"])
    page = folder / "leaderboard.html"
    page.write_text(reports_page(results, reports(results)), encoding="utf-8")
    return page


def load(browser: Any, page: Path) -> dict[str, float]:
    """Milliseconds to rows and to their picture, and seconds of script and of all tasks."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    try:
        opened = context.new_page()
        opened.add_init_script(_WATCH)
        session = context.new_cdp_session(opened)
        session.send("Performance.enable")
        opened.goto(page.as_uri())
        opened.wait_for_function("performance.getEntriesByName('painted').length > 0")
        marks: dict[str, float] = opened.evaluate(_MARKS)
        metrics = session.send("Performance.getMetrics")["metrics"]
        spent = {one["name"]: one["value"] for one in metrics}
        parts = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
        return {**marks, **{name: 1000 * spent[name] for name in parts}}
    finally:
        context.close()


def main() -> None:
    """Builds the page, loads it, and prints the least of each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--loads", type=int, default=10)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.stdout.write("skipped: Chromium is not installed\n")
        return
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.stdout.write("skipped: Playwright is not installed\n")
        return
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        page = build(Path(place), given.methods, given.seeds)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        loads = [load(browser, page) for _ in range(given.loads)]
        browser.close()
        size = page.stat().st_size / 1e6
    sys.stdout.write(f"{given.methods:,} methods, {size:.1f} MB, least of {given.loads} loads:\n")
    for name in loads[0]:
        sys.stdout.write(f"  {name:<20} {min(one[name] for one in loads):6.0f} ms\n")


if __name__ == "__main__":
    main()
