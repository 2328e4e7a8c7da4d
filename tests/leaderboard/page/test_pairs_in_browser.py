"""Methods against each other in a real browser, and what its tables show at their edges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_page
from distbench.leaderboard.tables.board_columns import p_text
from distbench.workflows.collect import collect

pytestmark = pytest.mark.slow
BEST, SECOND = "pseudo_labels/weighted/logme", "pseudo_labels/nearest/logme"


def test_the_matrix_says_gap_and_p_of_each_pair(page, file):
    found = collect([file.parent / "in/one"])
    pairs = reports(found)[0].board.pairs
    last = pairs.methods.index("finetune")
    matrix = page.locator("table.matrix")
    assert matrix.locator("tbody th .name").all_inner_texts() == list(pairs.methods)
    cell = matrix.locator(f"[data-a='0'][data-b='{last}']")
    assert cell.inner_text() == f"+{100 * pairs.gaps[0][last]:.1f}"
    assert cell.get_attribute("class") == "better"
    mirrored = matrix.locator(f"[data-a='{last}'][data-b='0']")
    assert mirrored.inner_text() == p_text(pairs.p_holm[0][last])
    assert mirrored.get_attribute("class") == "worse"
    assert matrix.locator("td.better").count() == matrix.locator("td.worse").count()
    count = len(pairs.methods)
    assert f"for all {count * (count - 1) // 2} pairs" in matrix.locator("caption").inner_text()
    cell.click()
    assert page.locator("#two-b").evaluate("n => n.selectedOptions[0].text") == "finetune"
    told = page.locator(".told").inner_text()
    assert told.startswith(f"{BEST} against finetune: +") and "shown to be better" in told


def test_the_pair_at_first_is_told_with_the_table_s_p_too(page, file):
    (first, *_) = (r for r in reports(collect([file.parent / "in/one"])) if r.board.tasks)
    best = next(line for line in first.board.lines if line.method == BEST)
    pair = page.locator("#two").inner_text()
    assert "pairs: " in pair
    assert f"The table compares with finetune alone: p {p_text(best.p_holm)}." in pair


def test_two_methods_are_compared_by_task_over_the_seeds_of_both(page, file):
    (first, *_) = (r for r in reports(collect([file.parent / "in/one"])) if r.board.tasks)
    lines = {line.method: line for line in first.board.lines}
    page.select_option("#two-a", label="fixmatch")
    page.select_option("#two-b", label="scratch")
    text = page.locator("#two").inner_text()
    assert "Only ranked methods are tested against each other." in text
    a, b = (lines[name].entries[0].values for name in ("fixmatch", "scratch"))
    gap = 100 * sum(x - y for x, y in zip(a, b, strict=True)) / len(a)
    row = page.locator("#two tbody tr").first.inner_text().split()
    assert (row[0], row[4]) == ("mini-cifar10", "3")
    assert float(row[3]) == pytest.approx(gap, abs=0.051)
    page.select_option("#two-b", label="fixmatch")
    assert page.locator("#two").inner_text() == "Choose another one."


def test_another_baseline_shows_the_pairs_and_says_how_p_is_adjusted(page):
    heads = page.locator("#methods thead th")
    assert any("Wins" in text for text in heads.all_inner_texts())
    page.select_option("#filter-against", label=SECOND)
    texts = heads.all_inner_texts()
    assert any(SECOND in text for text in texts) and any("all pairs" in text for text in texts)
    assert not any("Wins" in text or "flip" in text for text in texts)
    assert "p is adjusted (Holm) for all" in page.locator("#against").inner_text()
    of_finetune = page.locator("#methods tbody tr", has=page.get_by_text("finetune", exact=True))
    assert "\N{MINUS SIGN}" in of_finetune.locator("td").nth(2).inner_text()
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#against").inner_text() == ""
    assert any("Wins" in text for text in heads.all_inner_texts())


def test_p_of_each_column_is_its_own(page):
    p = page.evaluate("[DATA.boards[0].p_holm[0], DATA.boards[0].p_flip[0]]")
    assert p[0] != p[1]
    cells = page.locator("#methods tbody tr").first.locator("td").all_inner_texts()
    assert f"{p[1]:.3f}" in cells


def test_the_matrix_is_one_stop_of_the_keyboard(page):
    stop = page.locator("table.matrix td[tabindex='0']")
    stop.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("[...'ab'].map((k) => document.activeElement.dataset[k])") == ["2", "1"]
    assert stop.count() == 1


def test_what_is_far_below_the_ranked_methods_does_not_flatten_their_scale(page):
    scratch = page.locator("#methods tbody tr", has=page.get_by_text("scratch", exact=True))
    assert scratch.locator(".strip .beyond").count() == 1
    assert page.locator("#methods .strip .beyond").count() == 1
    low, mean = page.evaluate("[table.scale[0], Math.min(...DATA.boards[0].mean.filter(Boolean))]")
    assert low > 60_000 > 40_000 > mean


@pytest.mark.parametrize(("width", "goes_on"), [(700, True), (2200, False)])
def test_a_table_says_that_it_goes_on(page, width, goes_on):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(100)
    assert page.locator("#goes-on").is_visible() == goes_on
    frame = page.locator("#table .scroll")
    assert ("goes-on" in frame.get_attribute("class")) == goes_on
    if goes_on:
        frame.evaluate("n => { n.scrollLeft = n.scrollWidth; }")
        page.wait_for_timeout(100)
        assert not page.locator("#goes-on").is_visible()
        assert page.locator("#methods tbody th").first.bounding_box()["x"] < 200  # it stays


def test_groups_and_repeated_results_are_marked(browser, make_rows, save_run, tmp_path):
    rows = [
        *make_rows("finetune", {"mini-a": [0.5, 0.6], "mini-b": [0.6, 0.6], "mini-c": [0.6, 0.7]}),
        *make_rows("other", {"mini-a": [0.6, 0.7], "mini-b": [0.7, 0.8], "mini-c": [0.7, 0.7]}),
    ]
    tasks = ("mini-a", "mini-b", "mini-c")
    found = collect([save_run(tmp_path / "run", rows, tasks, (0, 1))])
    records = [
        r._replace(
            task=replace(r.task, group="letters" if r.task.id != "mini-c" else "mini-c"),
            method=replace(r.method, id="finetune @ ann", written="finetune", again=True)
            if r.method.id == "other"
            else r.method,
        )
        for r in found.records
    ]
    path = tmp_path / "groups.html"
    found = replace(found, records=tuple(records))
    path.write_text(reports_page(found, reports(found)), encoding="utf-8")
    opened = browser.new_page()
    opened.goto(path.as_uri())
    assert opened.locator("#methods .group").all_inner_texts() == ["letters", "letters"]
    lead = opened.locator(".lead").first.inner_text()
    assert "3 tasks in 2 groups" in lead and "letters: mini-a, mini-b" in lead
    assert "1 repeated result" in lead
    row = opened.locator("#methods tbody tr", has_text="finetune @ ann")
    assert row.locator("td").first.inner_text() == "again"
    heads = opened.locator("#methods thead th.task a").all_inner_texts()
    assert [head.replace("\n", "") for head in heads] == list(tasks)
    row.get_by_role("link").click()
    assert "Other results of finetune, from another file" in opened.locator("#detail").inner_text()
    opened.close()


def test_a_hundred_methods_have_signs_and_more_have_no_matrix(browser, synthetic, tmp_path):
    for count in (30, 101):
        folder = synthetic.run_folder(tmp_path / str(count), synthetic.large_board(count, 1), 1)
        found = collect([folder])
        path = tmp_path / f"{count}.html"
        path.write_text(reports_page(found, reports(found)), encoding="utf-8")
        opened = browser.new_page(viewport={"width": 390, "height": 900})
        opened.goto(path.as_uri())
        cells = opened.locator("table.matrix td")
        if count == 30:
            assert cells.count() == 900
            assert set(cells.all_inner_texts()) == {"", "+", "\N{MINUS SIGN}", "·"}
        else:
            text = opened.locator("#pairs-body").inner_text()
            assert "101 ranked methods are too many to test each against each." in text
            assert opened.locator("#filter-against").count() == 0
        assert opened.evaluate("document.documentElement.scrollWidth") == 390
        opened.close()
