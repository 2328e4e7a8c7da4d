"""The page as text: self-contained, escaped, allowed to run nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.page.about import About, ComponentFacts, Remake
from distbench.leaderboard.report_files import reports_latex, reports_markdown, reports_page
from distbench.workflows.collect import collect


def data_text(page: str) -> str:
    return re.search(r'id="data">(.*?)</script>', page, flags=re.S)[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory, synthetic):
    folder = synthetic.run_folder(tmp_path_factory.mktemp("page") / "run", synthetic.small_board())
    found = collect([folder])
    made = reports(found)
    return found, made, reports_page(found, made)


def test_it_asks_nobody_for_anything(built):
    page = built[2]
    shell = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.S)
    assert "http" not in shell.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\s*\(|@import|url\(", shell)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", shell)
    assert not re.search(r"<(link|img|iframe|script)[^>]*\b(src|href)=\"(?!data:)", shell)
    assert " style=" not in shell


def test_the_policy_allows_its_own_script_and_style_only(built):
    page = built[2]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    script = re.search(r"<script>(.*)</script>", page, flags=re.S)[1]
    style = re.search(r"<style>(.*?)</style>", page, flags=re.S)[1]
    for kind, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert parts[kind] == f"'sha256-{digest}'"


def test_markup_in_names_stays_data(built):
    page = built[2]
    assert "<img" not in page and "alert(1)>" not in page
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.S)[
        1
    ]
    assert not set("<>&") & set(text)
    data = json.loads(text)
    assert "<img src=x onerror=alert(1)>/<script>alert(2)</script>" in data["boards"][0]["method"]


def test_data_are_columns_of_equal_length(built):
    (board,) = json.loads(data_text(built[2]))["boards"]
    count = len(board["method"])
    for key in (
        "role",
        "rank",
        "mean",
        "delta",
        "front",
        "seconds",
        "task",
        "seedsOf",
        "settings",
        "curves",
        "weights",
    ):
        assert len(board[key]) == count, key
    assert {len(row) for row in board["task"]} == {8}
    assert {c["key"] for c in board["columns"] if c["task"] is None} <= set(board)
    assert board["mean"][0] == round(100_000 * built[1][0].board.lines[0].mean.mean)


def test_the_page_knows_pairs_and_differences_by_task(built):
    (board,) = json.loads(data_text(built[2]))["boards"]
    of = built[1][0].board
    pairs = of.pairs
    count = len(pairs.methods)
    assert board["pairs"]["count"] == count
    assert board["method"][:count] == list(pairs.methods)
    assert [len(row) for row in board["pairs"]["gap"]] == list(range(count - 1, -1, -1))
    assert board["pairs"]["gap"][0][1] == pytest.approx(100_000 * pairs.gaps[0][2], abs=1)
    assert board["pairs"]["p"][1][0] == pytest.approx(pairs.p_holm[1][2], rel=5e-3)
    line = of.lines[0]
    assert board["byTask"][0] == pytest.approx([100_000 * v for v in line.by_task], abs=1)
    assert board["byTask"][board["method"].index("finetune")] is None
    assert board["compared"][0] == line.compared == 24
    assert board["behind"] == [x.behind for x in of.lines]
    evil = next(i for i, seeds in enumerate(board["seedsAt"]) if seeds)
    assert board["seedsAt"][evil][-1] == [0, 1] and board["seedsAt"][0] is None


def test_the_page_says_what_its_tables_say(built):
    (board,) = json.loads(data_text(built[2]))["boards"]
    notes = ["".join(text for text, _ in note) for note in board["notes"]]
    text = reports_markdown(*built[:2]).replace("`", "")
    assert len(notes) == 3 and all(note in text for note in notes)
    assert board["noise"] == "seeds"
    shell = built[2].lower()
    for wrong in ("not to be told apart", "tie group", "cannot be told apart", "share a rank"):
        assert wrong not in shell


def test_what_methods_are_is_told_and_nothing_else(built):
    found, made, plain = built
    (board,) = (data := json.loads(data_text(plain)))["boards"]
    assert data["components"] == {} and set(board["remake"]) == {None}
    assert board["images"] == ["The student sees images of 32 x 32 pixels."]
    facts = ComponentFacts(2, "Says much.", homepage="https://example.org", licence="MIT")
    about = About(
        components={("metric", "logme"): facts},
        suites={("mini", 1): "Drawn things."},
        remakes={(made[0].label, board["method"][0]): Remake(("distbench run",))},
        dates={found.origins[0].path: "2026-01-31"},
    )
    data = json.loads(data_text(reports_page(found, made, about)))
    assert data["components"]["metric logme"] == [
        *(2, "Says much.", "", "", "https://example.org", "MIT")
    ]
    assert data["boards"][0]["images"][0] == "Drawn things."
    assert data["boards"][0]["remake"][:2] == [[["distbench run"], ""], None]
    assert ["date", "2026-01-31"] in data["origins"][0]["about"]


def test_the_front_is_that_of_the_picture(built):
    from distbench.leaderboard.analysis.pareto import points

    (board,) = json.loads(data_text(built[2]))["boards"]
    (report,) = built[1]
    front = {m for m, on in zip(board["method"], board["front"], strict=True) if on}
    assert front == {p.method for p in points(report.board, report.rows) if p.on_front}
    assert len(front) > 1 and not front & {"finetune_source"}


def test_other_formats_hold_the_metrics_and_escape(built):
    found, made, _ = built
    text = reports_markdown(found, made)
    assert "## Metrics" in text and "## Costs" in text and "## Where from" in text
    assert "`<img src=x onerror=alert(1)>/<script>alert(2)</script>`" in text
    assert r"\textless{}img src=x" in reports_latex(made)
    logme = next(line for line in made[0].metrics if line.metric == "logme")
    noise = next(line for line in made[0].metrics if line.metric == "random")
    assert logme.values["tau"].mean > 0.6 > 0.3 > abs(noise.values["tau"].mean)


def test_the_page_has_the_differences_of_metrics_and_what_counts_as_chance(built):
    (board,) = json.loads(data_text(built[2]))["boards"]
    logme, noise = (
        next(m for m in board["metrics"] if m["metric"] == n) for n in ("logme", "random")
    )
    (line,) = (line for line in built[1][0].metrics if line.metric == "random")
    (reference, values), *_ = noise["differences"]
    assert (reference, logme["differences"][0][0]) == ("logme", "random")
    assert (
        values[0][0] == pytest.approx(line.differences["logme"][0].mean, rel=1e-3)
        and values[0][0] < 0
    )
    assert logme["noise"] == noise["noise"]
    assert logme["chance"] == [] and logme["tried"] == logme["sources"][1]


@pytest.mark.slow
def test_a_page_with_many_methods_thins_what_is_long(tmp_path, synthetic):
    rows = synthetic.large_board(120, 1)
    found = collect([synthetic.run_folder(tmp_path / "run", rows, 1)])
    (board,) = json.loads(data_text(reports_page(found, reports(found))))["boards"]
    assert max(len(curve[0]) for method in board["curves"] for curve in method) == 10
    assert max(len(task[1]) for method in board["weights"] if method for task in method) == 28


@pytest.mark.parametrize(
    "value", [0.6065, 0.60649999, 0.5915, 0.0, 1.0, -0.0915, -0.00049, 0.123456]
)
def test_shares_round_as_in_the_other_formats(value):
    from distbench.leaderboard.page.columns import share

    whole = share(value)
    shown = round(abs(whole) / 100) / 10  # as format.js does; no halves are left
    assert abs(whole) % 100 != 50
    assert shown == pytest.approx(abs(round(100 * value, 1)))
    assert share(None) is None
