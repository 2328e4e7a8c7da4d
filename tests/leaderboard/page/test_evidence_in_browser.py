"""How far results are believed, and metrics of several studies, as the page shows them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_page
from distbench.workflows.collect import collect

pytestmark = pytest.mark.slow


def test_badges_filter_and_file_say_how_far_each_method_is_believed(
    browser, make_rows, save_run, tmp_path
):
    levels = {"finetune": "verified", "other": "recomputed", "third": "claimed"}
    rows = [
        row
        for n, name in enumerate(levels)
        for row in make_rows(name, {"a": [0.5 + n / 10], "b": [0.6 + n / 10]})
    ]
    found = collect([save_run(tmp_path / "run", rows)])
    found = replace(
        found,
        records=tuple(r._replace(evidence=levels[r.method.id]) for r in found.records),
        origins=(
            replace(found.origins[0], again={"finetune": 1}, about={"computed again": "1 of 6"}),
        ),
    )
    path = tmp_path / "page.html"
    path.write_text(reports_page(found, reports(found)), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 390, "height": 900})
    opened.goto(path.as_uri())
    shown = opened.locator("#methods tbody tr").evaluate_all(
        "rows => rows.map((r) => ['.name', '.badge'].map((q) => r.querySelector(q).textContent))"
    )
    assert dict(shown) == levels
    badge = opened.locator("#methods .badge.verified")
    assert "trained again" in badge.get_attribute("title")
    box = badge.bounding_box()
    assert box["x"] + box["width"] < 390, "seen without scrolling"
    assert "1 of 6" in opened.locator("#sources-body").inner_text()
    assert "distbench study" in opened.locator("#metrics-body").inner_text(), "how it is filled"
    opened.select_option("#filter-evidence", "claimed")
    assert opened.locator("#methods tbody th .name").all_inner_texts() == ["third"]
    opened.wait_for_url(lambda url: "evidence=claimed" in url)
    with opened.expect_download() as saved:
        opened.get_by_role("button", name="Save as CSV").click()
    head, line = csv.reader(Path(saved.value.path()).read_text().splitlines())
    assert (head[2], line[2]) == ("Evidence", "claimed")
    opened.goto(f"{path.as_uri()}#method=finetune")
    opened.get_by_text("Of its 2 cells, 1 was trained again.").wait_for()
    opened.close()


def test_tables_that_go_on_say_so_and_keep_their_names_in_view(page):
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_timeout(100)
    frames = page.locator(".scroll").evaluate_all(
        """nodes => nodes.filter((n) => n.scrollWidth > n.clientWidth + 1).map((n) => {
          n.scrollLeft = 60;
          const name = n.querySelector("tbody th").getBoundingClientRect();
          return [n.classList.contains("goes-on"), getComputedStyle(n, "::before").content,
            name.left >= 0 && name.right < 390];
        })"""
    )
    assert len(frames) >= 3
    methods, *others = frames
    assert methods[0] and page.locator("#goes-on").is_visible()
    assert all(on and "scroll the table" in sign for on, sign, _ in others)
    assert all(in_view for *_, in_view in frames)
