"""The page in a real browser, from a file."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_page
from distbench.workflows.collect import collect

pytestmark = pytest.mark.slow

EVIL = "<img src=x onerror=alert(1)>/<script>alert(2)</script>"
BEST = "pseudo_labels/weighted/logme"


def arrive(page, title: str) -> None:
    """Waits until the page shows what its address names: the browser tells it some time later."""
    from playwright.sync_api import expect

    expect(page).to_have_title(f"{title} · distbench leaderboard")


def names(page) -> list[str]:
    return page.locator("#methods tbody th .name").all_inner_texts()


def test_sorting_by_button_says_so(page):
    assert names(page)[0] == BEST
    mean = page.get_by_role("button", name="Mean, %")
    head = page.locator("#methods thead th", has=mean)
    mean.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page)[:2] == [BEST, "pseudo_labels/nearest/logme"]
    mean.click()
    assert head.get_attribute("aria-sort") == "ascending"
    # What has no mean is last either way.
    assert (names(page)[0], names(page)[-1]) == ("scratch", EVIL)
    page.get_by_role("button", name="Sort by mini-dogs").click()
    assert page.locator("#methods thead th[aria-sort]").count() == 1
    page.get_by_role("button", name="Method", exact=True).click()
    assert names(page) == sorted(names(page))


def test_filters_and_their_count(page):
    count = page.locator("#count")
    assert count.get_attribute("aria-live") == "polite"
    assert count.inner_text() == "16 of 28 methods, without single sources"
    page.fill("#search", "LOGME weighted")
    assert names(page) == [BEST]
    assert count.inner_text() == "1 of 28 methods, without single sources"
    page.get_by_role("button", name="Show all").click()
    assert page.evaluate("document.activeElement.id") == "search"
    page.select_option("#filter-metric", "parc")
    assert names(page) == ["pseudo_labels/weighted/parc", "pseudo_labels/nearest/parc"]
    page.select_option("#filter-strategy", "nearest")
    assert names(page) == ["pseudo_labels/nearest/parc"]
    page.locator("#reset").click()
    page.select_option("#filter-kind", "baselines")
    assert set(names(page)) == {"finetune", "fixmatch", "flexmatch", "scratch", EVIL}
    page.locator("#reset").click()
    page.select_option("#filter-role", "single")
    assert len(names(page)) == 12
    page.select_option("#filter-role", "incomplete")
    assert names(page) == [EVIL]
    page.locator("#reset").click()
    page.locator("#filter-macs").fill("0")
    assert "finetune_source" not in names(page) and "finetune" in names(page)
    assert page.locator("#filter-macs").get_attribute("aria-valuetext") == "≤ 10 G"


def test_tables_are_chosen_by_suite_and_never_mixed(page, file):
    page.select_option("#board", label="mini v2, student mini")
    arrive(page, "mini v2, student mini")
    assert page.locator("h1:visible").inner_text() == "mini v2, student mini"
    assert "8 tasks and 1 seed" in page.locator("#lead").inner_text()
    assert "#board=2" in page.url
    page.go_back()
    arrive(page, "mini v1, student mini")
    assert page.locator("#title").inner_text() == "mini v1, student mini"
    assert "line 1 of rows.jsonl" not in page.locator("#sources-body").inner_text()
    assert "no plan.json can be read" in page.locator("#sources-body").inner_text()


def test_a_method_has_a_page_of_its_own(page, file):
    page.goto(f"{file.as_uri()}#method={quote(BEST, safe='')}")
    arrive(page, BEST)
    detail = page.locator("#detail")
    assert detail.locator("h1").inner_text() == BEST
    text = detail.inner_text()
    for said in ("What it is", "What it learnt from", "Learning curves", "temperature", "in/one"):
        assert said in text
    assert detail.locator(".heat tbody tr").count() == 13
    assert detail.locator(".curves svg").count() == 8
    assert not page.locator("#overview").is_visible()
    page.get_by_role("link", name="All methods").click()
    arrive(page, "mini v1, student mini")
    assert page.locator("#overview").is_visible()


def test_a_task_has_a_page_of_its_own(page, file):
    page.locator("#methods thead").get_by_role("link", name="mini-cub").click()
    arrive(page, "mini-cub")
    assert page.url.endswith("#task=mini-cub")
    text = page.locator("#detail").inner_text()
    for said in ("Methods on this task", "What each source alone led to", "Metrics on this task"):
        assert said in text
    assert page.evaluate("document.activeElement.id") == "detail"
    page.goto(f"{file.as_uri()}#method=nobody")
    arrive(page, "nobody")
    assert "This table has nothing called nobody." in page.locator("#detail").inner_text()


def test_markup_in_a_name_is_shown_and_not_obeyed(page, file):
    assert page.locator("#methods img").count() == 0
    page.locator("#methods").get_by_role("link", name=EVIL).click()
    arrive(page, EVIL)
    assert page.locator("#detail h1").inner_text() == EVIL
    assert "</script><b>bold</b>" in page.locator("#detail").inner_text()
    assert page.locator("img, #detail b b").count() == 0


def test_by_keyboard_alone(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.get_by_role("button", name="Wins").focus()
    page.keyboard.press("Enter")
    assert page.locator("#methods thead th[aria-sort]").inner_text().startswith("Wins")
    point = page.locator("#picture g[role=link][tabindex='0']")
    point.focus()
    first = page.locator(".caption").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".caption").inner_text() != first
    assert page.locator("#picture g[role=link][tabindex='0']").count() == 1
    outline = page.evaluate(
        "getComputedStyle(document.activeElement.querySelector('.halo')).strokeWidth"
    )
    assert outline == "2px"
    chosen = page.evaluate("document.activeElement.getAttribute('aria-label')").rsplit(": ", 1)[0]
    page.keyboard.press("Enter")
    arrive(page, chosen)
    assert page.locator("#detail").is_visible()


def test_the_front_is_the_data_s_whatever_is_shown(page):
    front = set(page.evaluate("DATA.boards[0].method.filter((_, i) => DATA.boards[0].front[i])"))
    shown = page.locator("#picture g[role=link]:has(.on)")

    def marked() -> set[str]:
        labels = shown.evaluate_all("nodes => nodes.map((n) => n.getAttribute('aria-label'))")
        assert all(label.endswith(", on the front") for label in labels)
        return {label.rsplit(": ", 1)[0] for label in labels}

    page.select_option("#filter-role", "everything")
    page.wait_for_timeout(50)
    assert marked() == front
    page.fill("#search", "parc")
    assert marked() == {method for method in front if "parc" in method}


def test_tables_are_labelled_for_screen_readers(page):
    assert page.locator("table").count() == page.locator("table > caption").count()
    assert page.locator("thead th:not([scope=col])").count() == 0
    assert page.locator("tbody tr > th:not([scope=row])").count() == 0
    assert page.locator("#picture svg.picture[role=group]").get_attribute("aria-label")


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("", "mini v1, student mini"),
        (f"#method={quote(BEST, safe='')}", BEST),
        ("#task=mini-cub", "mini-cub"),
    ],
)
def test_a_phone_does_not_scroll_sideways(page, file, place, title):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(file.as_uri() + place)
    arrive(page, title)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter(e => e.offsetParent)"
        ".filter(e => e.getBoundingClientRect().height < 16).length"
    )
    assert small == 0


def test_print_shows_every_row_within_a_landscape_page(page):
    page.set_viewport_size({"width": 1039, "height": 700})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1039
    assert page.evaluate("document.querySelector('#methods').offsetWidth") <= 1039
    assert not page.locator("#filters").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, scheme):
    """WCAG AA: 4.5 to 1 for every colour that text has."""
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const light = (hex) => {
            const part = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
              .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
          };
          const get = (name) => light(style.getPropertyValue(name).trim());
          const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          const out = {};
          const inks = ["ink", "soft", "accent", "good", "bad", "control", "ceiling"];
          for (const ground of ["--ground", "--raised"])
            for (const ink of inks) out[ink + ground] = ratio(get("--" + ink), get(ground));
          return out;
        }"""
    )
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


def test_many_methods_are_drawn_as_they_are_looked_at(browser, synthetic, tmp_path):
    folder = synthetic.run_folder(tmp_path / "run", synthetic.large_board(150, 1), 1)
    found = collect([folder])
    path = tmp_path / "large.html"
    path.write_text(reports_page(found, reports(found)), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1360, "height": 900})
    opened.goto(path.as_uri())
    assert opened.locator("#methods tbody tr").count() < 150
    assert opened.locator("#methods").get_attribute("aria-rowcount") == "151"
    undrawn = opened.evaluate("table.board.method[table.shown[149]]")
    assert undrawn not in names(opened)
    with opened.expect_download() as saved:
        opened.get_by_role("button", name="Save as CSV").click()
    lines = list(csv.reader(Path(saved.value.path()).read_text().splitlines()))
    assert len(lines) == 151 and lines[-1][1] == undrawn
    opened.fill("#search", undrawn)
    assert names(opened)[0] == undrawn
    opened.locator("#reset").click()
    opened.locator("#methods thead").get_by_role("button", name="Mean, %").dblclick()
    assert names(opened)[0] == undrawn, "sorted before it is drawn"
    opened.goto(f"{path.as_uri()}#method={quote(undrawn, safe='')}")
    arrive(opened, undrawn)
    opened.go_back()
    arrive(opened, "mini v1, student mini")
    opened.locator("#more").click()
    assert opened.locator("#methods tbody tr").count() == 150
    opened.close()


def test_a_difference_without_an_interval_breaks_nothing(browser, make_rows, save_run, tmp_path):
    rows = [
        *make_rows("finetune", {"a": [0.5], "b": [0.6]}),
        *make_rows("even", {"a": [0.6], "b": [0.7]}),
    ]
    found = collect([save_run(tmp_path / "run", rows)])
    path = tmp_path / "equal.html"
    path.write_text(reports_page(found, reports(found)), encoding="utf-8")
    opened = browser.new_page()
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(path.as_uri())
    row = opened.locator("#methods tbody tr", has_text="even").inner_text()
    assert "+10.0" in row and "±" not in row.split("+10.0")[1]
    assert (
        "No interval: the differences are equal on all tasks (even)."
        in opened.locator("#notes").inner_text()
    )
    opened.get_by_role("link", name="even").first.click()
    assert "points vs finetune" in opened.locator("#detail").inner_text().lower()
    assert errors == []
    opened.close()


def test_what_is_looked_at_has_an_address(page, file):
    page.select_option("#filter-metric", "logme")
    most = page.locator("#filter-macs")
    most.fill(str(int(most.get_attribute("max")) - 1))
    page.select_option("#filter-against", label="fixmatch")
    page.get_by_role("button", name="Mean, %").click()
    page.select_option("#two-b", label="fixmatch")
    shown = page.locator("#overview").inner_text()
    page.wait_for_url(lambda url: "against=fixmatch" in url and "other=fixmatch" in url)
    address = page.url
    first = names(page)[0]
    page.locator("#methods").get_by_role("link", name=first).click()
    arrive(page, first)
    page.get_by_role("link", name="All methods").click()
    arrive(page, "mini v1, student mini")
    assert page.url == address, "the way back leads to where one was"
    page.goto("about:blank")
    page.goto(address)
    arrive(page, "mini v1, student mini")
    assert page.locator("#overview").inner_text() == shown
    in_sight = "id => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 100"
    page.wait_for_function(in_sight, arg="two-by-task")
    page.locator("#nav").get_by_role("link", name="Methods").click()
    page.wait_for_function(in_sight, arg="table")
    assert page.url == address, "a place is gone to, and what was chosen stays"
    page.locator("#reset").click()
    page.wait_for_url(lambda url: "metric=" not in url and "sort=-mean" not in url)
    odd = f"{file.as_uri()}#board=2&metric=nothing&macs=x&against={quote(EVIL)}&sort=-nothing&one=x"
    page.goto(odd)
    arrive(page, "mini v2, student mini")
    assert page.locator("#filter-metric").input_value() == ""
    assert page.locator("#methods tbody tr").count() > 1
    assert page.locator("#methods thead th[aria-sort]").inner_text().startswith("Rank")


def test_what_is_shown_is_saved_as_csv(page):
    page.select_option("#filter-metric", "logme")
    page.get_by_role("button", name="Mean, %").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    assert saved.value.suggested_filename == "mini-v1-student-mini.csv"
    head, *lines = csv.reader(Path(saved.value.path()).read_text().splitlines())
    assert head[:4] == ["Rank", "Method", "Mean, %", "Mean, % ±"]
    assert {"vs finetune", "mini-cub", "mini-cub ±", "MACs"} <= set(head)
    assert [line[1] for line in lines] == names(page)
    assert abs(float(lines[0][2]) - float(page.locator(".best").first.inner_text())) < 0.06
    page.locator("#reset").click()
    page.select_option("#filter-role", "incomplete")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    (line,) = list(csv.reader(Path(saved.value.path()).read_text().splitlines()))[1:]
    assert line[:4] == ["partial", EVIL, "", ""]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1360])
def test_axe_finds_nothing(page, file, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for place, title in (
        ("", "mini v1, student mini"),
        (f"#method={quote(BEST, safe='')}", BEST),
        ("#task=mini-cub", "mini-cub"),
    ):
        page.goto(file.as_uri() + place)
        arrive(page, title)
        found = axe.run(page).response["violations"]
        assert [(fault["impact"], fault["help"]) for fault in found] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1360])
def test_pictures_for_people_to_look_at(page, file, scheme, width, tmp_path):
    """Kept in the folder that ``DISTBENCH_PICTURES`` names, as CI does with those of its run."""
    folder = Path(os.environ.get("DISTBENCH_PICTURES") or tmp_path)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 128) == (scheme == "dark")
    for name, place, title in (
        ("overview", "", "mini v1, student mini"),
        ("method", f"#method={quote(BEST, safe='')}", BEST),
        ("task", "#task=mini-cub", "mini-cub"),
    ):
        page.goto(file.as_uri() + place)
        arrive(page, title)
        picture = folder / f"{name}-{width}-{scheme}.png"
        page.screenshot(path=picture, full_page=True)
        head = picture.read_bytes()[:24]
        assert int.from_bytes(head[16:20]) == width, "nothing is wider than the window"
