"""Who is ranked, compared and listed."""

from __future__ import annotations

import json

import pytest

from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.rows.row_reader import Reader

TASKS = ("t1", "t2", "t3")


def by_method(board):
    return {line.method: line for line in board.lines}


@pytest.fixture
def rows(make_rows, make_row):
    return [
        *make_rows("finetune", {"t1": [0.50, 0.52], "t2": [0.30, 0.32], "t3": [0.70, 0.72]}),
        *make_rows("good", {"t1": [0.60, 0.62], "t2": [0.41, 0.43], "t3": [0.79, 0.81]}),
        *make_rows("fair", {"t1": [0.50, 0.53], "t2": [0.31, 0.32], "t3": [0.69, 0.72]}),
        *make_rows("equal", {t: [0.9, 0.9] for t in TASKS}, role="ceiling"),
        *make_rows("scratch", {t: [0.1, 0.1] for t in TASKS}, role="control"),
        *make_rows("broken", {"t1": [0.99, 0.99], "t2": [0.99, 0.99], "t3": [0.99]}),
        make_row("broken", "t3", 1, status="failed", reason="out of memory"),
    ]


def test_order_roles_and_ranks(rows):
    board = build_board(rows)
    assert [line.method for line in board.lines] == [
        "good",
        "fair",
        "finetune",
        "equal",
        "scratch",
        "broken",
    ]
    assert [line.rank for line in board.lines] == [(1, 1), (2, 3), (2, 3), None, None, None]
    assert board.best.method == "good"
    assert [line.behind for line in board.lines] == [False, True, True, False, False, False]
    assert [line.average_rank is None for line in board.lines] == [False] * 3 + [True] * 3


def test_values_by_hand(rows):
    good = by_method(build_board(rows))["good"]
    assert good.mean.mean == pytest.approx(0.61)
    # Each task: s^2 = 0.0002, n = 2; three of them over 3^2; t with 3 degrees is 3.18245.
    assert good.mean.half == pytest.approx(3.182446 * (3 * 0.0001) ** 0.5 / 3)
    # Differences 0.10, 0.11, 0.09: s = 0.01, t = 0.1 / (0.01 / sqrt(3)) with 2 degrees.
    assert good.delta.mean == pytest.approx(0.10)
    assert good.delta.half == pytest.approx(4.302653 * 0.01 / 3**0.5)
    assert good.delta.p == pytest.approx(0.0033148, rel=1e-3)
    assert (good.average_rank, good.win_rate) == (1.0, 1.0)


def test_holm_counts_ranked_methods_only(rows):
    lines = by_method(build_board(rows))
    assert lines["good"].p_holm == pytest.approx(2 * lines["good"].delta.p)
    assert lines["fair"].p_holm == pytest.approx(lines["fair"].delta.p)
    assert lines["equal"].delta.mean == pytest.approx(0.39)
    assert [lines[m].p_holm for m in ("finetune", "equal", "scratch", "broken")] == [None] * 4


def test_incomplete_methods_have_neither_mean_nor_difference(rows):
    broken = by_method(build_board(rows))["broken"]
    assert broken.coverage == (5, 6)
    assert not broken.complete
    assert (broken.mean, broken.delta, broken.rank, broken.win_rate) == (None,) * 4
    assert broken.entries[0].estimate.mean == pytest.approx(0.99)


def test_baseline_absent_or_incomplete(rows):
    for baseline in ("nobody", "broken"):
        board = build_board(rows, baseline=baseline)
        assert board.baseline is None
        assert all(line.delta is None and line.p_holm is None for line in board.lines)
        assert board.lines[0].rank == (1, 1)


def test_another_baseline_even_a_control(rows):
    lines = by_method(build_board(rows, baseline="scratch"))
    assert lines["finetune"].delta.mean == pytest.approx(0.41)
    assert lines["scratch"].delta is None
    assert lines["finetune"].p_holm is not None


def test_one_method_one_task_one_seed(make_row):
    board = build_board([make_row("finetune", "t1", 0, 0.4)])
    (line,) = board.lines
    assert (line.rank, line.mean.mean, line.mean.low, line.delta) == ((1, 1), 0.4, None, None)


def test_one_task_gives_no_interval_over_tasks(make_rows):
    rows = make_rows("finetune", {"t": [0.5, 0.6]}) + make_rows("a", {"t": [0.6, 0.8]})
    a = by_method(build_board(rows))["a"]
    assert a.delta.mean == pytest.approx(0.15)
    assert (a.delta.low, a.delta.p, a.p_holm) == (None, None, None)
    assert a.mean.low is not None
    assert a.rank == (1, 2), "nothing tells the two apart"


def test_a_method_equal_to_the_baseline(make_rows):
    same = {"t1": [0.1, 0.3], "t2": [0.7, 0.6]}
    a = by_method(build_board(make_rows("finetune", same) + make_rows("a", same)))["a"]
    assert (a.delta.mean, a.delta.low, a.delta.high, a.p_holm) == (0, None, None, None)
    assert (a.rank, a.win_rate, a.average_rank) == ((1, 2), 0.5, 1.5)


def test_planned_order_and_unplanned_rows(rows):
    board = build_board(rows, tasks=["t3", "t1"], seeds=[0])
    assert (board.tasks, board.seeds) == (("t3", "t1"), (0,))
    assert by_method(board)["broken"].complete
    assert [e.task for e in board.lines[0].entries] == ["t3", "t1"]


def test_a_planned_task_without_rows_makes_all_incomplete(rows):
    board = build_board(rows, tasks=[*TASKS, "t4"])
    assert {line.complete for line in board.lines} == {False}
    assert board.best is None
    assert board.baseline is None


def test_balanced_accuracy(rows):
    board = build_board(rows, measure="balanced_accuracy")
    assert by_method(board)["good"].mean.mean == pytest.approx(0.305)


def test_as_dict_is_json_and_complete(rows):
    plain = json.loads(json.dumps(build_board(rows).as_dict(), allow_nan=False))
    assert plain["interval"] == "two-sided 95% interval"
    assert plain["methods"][0]["entries"][0]["values"] == [0.60, 0.62]
    assert plain["methods"][-1]["complete"] is False
    assert plain["methods"][-1]["entries"][2]["missing"][0]["reason"] == "out of memory"


def test_tasks_of_one_group_show_no_order_however_far_methods_are_apart(make_rows):
    """As of `taskoriented_imagenet`, whose four tasks are one set of images."""
    reader, tasks = Reader(), ("a", "b", "c", "d")
    rows = [
        row
        for method, level in (("finetune", 0.3), ("good", 0.6), ("best", 0.9))
        for row in make_rows(
            method, {task: [level * (1 - n / 50), level] for n, task in enumerate(tasks)}
        )
    ]
    board = build_board([reader.record(row, group="images") for row in rows])
    assert board.groups == ("images",) * 4
    by_name = {line.method: line for line in board.lines}
    delta = by_name["best"].delta
    assert delta is not None
    assert delta.mean == pytest.approx(0.591) and (delta.half, delta.p) == (None, None)
    assert {line.rank for line in board.lines} == {(1, 3)}
    assert board.pairs is not None
    assert {p for row in board.pairs.p_holm for p in row} == {None}
    alone = build_board([reader.record(row) for row in rows])
    assert alone.groups == tasks
    assert [line.rank for line in alone.lines] == [(1, 1), (2, 2), (3, 3)]
