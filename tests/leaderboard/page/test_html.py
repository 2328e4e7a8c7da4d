"""The page as text: self-contained, escaped, allowed to run nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.report_files import reports_latex, reports_markdown, reports_page
from distbench.workflows.collect import collect

spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
synthetic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(synthetic)


def data_text(page: str) -> str:
    return re.search(r'id="data">(.*?)</script>', page, flags=re.S)[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
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
def test_a_page_with_many_methods_thins_what_is_long(tmp_path):
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
