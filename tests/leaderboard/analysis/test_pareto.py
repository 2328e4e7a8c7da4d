"""Accuracy against compute: the points, the front, and the picture."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest

from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.analysis.pareto import Point, digest, front, points, students_differ
from distbench.leaderboard.figures import pareto as picture
from distbench.leaderboard.figures.point_labels import short, spread
from distbench.leaderboard.statistics import Estimate


def point(method, accuracy, macs, role="ranked", student=10.0):
    return Point(method, role, Estimate(accuracy), macs, student)


def cost(training, passes=0, student=20):
    teacher = {"teacher_macs": int(passes > 0), "teacher_pass_macs": passes}
    return {"training_macs": training, "student_macs": student, **teacher}


@pytest.fixture
def rows(make_rows):
    return [
        *make_rows("finetune", {"a": [0.5, 0.52], "b": [0.6, 0.6]}, cost=cost(100)),
        *make_rows("distilled", {"a": [0.7, 0.7], "b": [0.8, 0.8]}, cost=cost(200, 50)),
        *make_rows("wasteful", {"a": [0.6, 0.6], "b": [0.7, 0.7]}, cost=cost(300)),
        *make_rows("scratch", {"a": [0.1, 0.1], "b": [0.2, 0.2]}, role="control", cost=cost(100)),
        *make_rows(
            "big", {"a": [0.9, 0.9], "b": [0.9, 0.9]}, role="ceiling", cost=cost(150, 0, 90)
        ),
    ]


def test_points_hold_means_and_their_place_on_both_fronts(rows):
    found = {p.method: p for p in points(build_board(rows), rows)}
    assert list(found) == ["finetune", "scratch", "big", "distilled", "wasteful"]
    assert found["distilled"].training_macs == 250
    assert found["distilled"].mean.mean == pytest.approx(0.75)
    assert found["finetune"].mean.half > 0
    # The ceiling gives another network, so it neither is on the front nor takes others off it.
    assert [m for m, p in found.items() if p.on_front] == ["finetune", "distilled"]
    assert [m for m, p in found.items() if p.on_inference_front] == ["big", "distilled"]


def test_a_control_may_be_on_the_front(make_rows):
    rows = make_rows("finetune", {"a": [0.5]}, cost=cost(100))
    rows += make_rows("general", {"a": [0.6]}, role="control", cost=cost(100))
    assert [(p.method, p.on_front) for p in points(build_board(rows), rows)] == [
        ("general", True),
        ("finetune", False),
    ]


def test_incomplete_and_unknown_methods_are_no_points(rows, make_row):
    more = [
        make_row("half", "a", 0, cost=cost(1)),
        *(make_row("unknown", t, s, cost={"teacher_macs": 5}) for t in "ab" for s in (0, 1)),
    ]
    found = points(build_board(rows + more), rows + more)
    assert {p.method for p in found}.isdisjoint({"half", "unknown"})
    assert len(found) == 5


def test_the_front_keeps_what_nobody_beats():
    some = [point("a", 0.5, 1), point("b", 0.6, 2), point("c", 0.6, 3), point("d", 0.55, 2)]
    equal = [point("e", 0.6, 2), point("f", 0.6 + 1e-13, 2 + 1e-13)]
    assert front(some, lambda p: p.training_macs) == {"a", "b"}
    assert front(some + equal, lambda p: p.training_macs) == {"a", "b", "e", "f"}
    assert front([], lambda p: p.training_macs) == set()


def test_students_differ_by_more_than_classes():
    assert not students_differ([point("a", 0, 1, student=1000), point("b", 0, 1, student=1005)])
    assert students_differ([point("a", 0, 1, student=1000), point("b", 0, 1, student=2000)])


def test_places_of_names():
    assert spread([0.9, 0.5, 0.1], 0.1) == pytest.approx([0.9, 0.5, 0.1])
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.6, 0.5, 0.4])
    assert spread([1.0, 1.0, 0.0, 0.0], 0.25) == pytest.approx([1.0, 0.75, 0.25, 0.0])
    assert spread([0.9, 0.55, 0.5], 0.1) == pytest.approx([0.9, 0.575, 0.475])
    crowded = spread([0.3 - i / 1000 for i in range(21)], 0.05)
    assert crowded == pytest.approx([1 - i * 0.05 for i in range(21)])
    assert all(a - b >= 0.05 - 1e-12 for a, b in pairwise(crowded))
    assert spread([], 0.1) == []


def test_long_names_lose_their_middle():
    assert short("pseudo_labels/nearest") == "pseudo_labels/nearest"
    assert short("abcdefghij", 7) == "ab…ghij"


@pytest.mark.slow
def test_equal_points_give_equal_pictures_whatever_a_persons_settings(rows):
    from matplotlib import rc_context

    board = build_board(rows)
    some = points(board, rows)
    first = picture.pareto_picture(some, board, "mark")
    with rc_context({"axes.facecolor": "black", "font.size": 30}):
        assert picture.pareto_picture(points(board, rows[::-1]), board, "mark") == first
    assert b"<svg" in first and b"mark" in first
    assert b"<dc:date>" not in first
    assert picture.pareto_picture(some, board, kind="png")[:4] == b"\x89PNG"


def test_the_scale_is_that_of_the_ranked_methods_and_of_what_lies_near(rows):
    board = build_board(rows)
    some = points(board, rows)
    low, high = picture._scale(some)
    ranked = [p.mean for p in some if p.role == "ranked"]
    assert low == pytest.approx(100 * min(e.low for e in ranked))
    assert high == pytest.approx(75)  # neither the ceiling at 90 nor scratch at 15 % lies near
    near = [*some, point("near", 0.8, 100.0, "ceiling")]
    assert picture._scale(near) == pytest.approx((low, 80))
    alone = [p for p in some if p.role == "control"]
    assert picture._scale(alone) == pytest.approx((15, 15))


def test_names_with_dollars_are_no_formulas(make_rows):
    rows = make_rows("a$b", {"a": [0.5]}, cost=cost(100))
    rows += make_rows("c$\\nonsense$", {"a": [0.6]}, cost=cost(900))
    board = build_board(rows)
    assert picture.pareto_picture(points(board, rows), board)


@pytest.mark.slow
def test_a_picture_is_drawn_again_only_when_it_changes(rows, tmp_path, monkeypatch):
    drawn = []
    real = picture.pareto_picture
    monkeypatch.setattr(picture, "pareto_picture", lambda *a: drawn.append(1) or real(*a))
    board = build_board(rows)
    path = picture.write_picture(board, rows, tmp_path)
    assert path == tmp_path / "pareto.svg"
    assert picture.write_picture(board, rows[::-1], tmp_path) == path
    assert len(drawn) == 1
    fewer = [row for row in rows if row.method.id != "wasteful"]
    picture.write_picture(build_board(fewer), fewer, tmp_path)
    assert len(drawn) == 2
    path.write_text("<svg>of something else</svg>")
    picture.write_picture(board, rows, tmp_path)
    assert len(drawn) == 3


def test_without_two_methods_or_matplotlib_there_is_no_picture(rows, tmp_path, monkeypatch):
    board = build_board(rows)
    path = picture.write_picture(board, rows, tmp_path)
    assert path is not None and path.exists()
    one = [row for row in rows if row.method.id == "finetune"]
    assert picture.write_picture(build_board(one), one, tmp_path) is None
    assert not path.exists()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert picture.write_picture(board, rows, tmp_path) is None
    assert not path.exists()


def test_the_digest_depends_on_what_is_shown(rows):
    board = build_board(rows)
    some = points(board, rows)
    assert digest(some, board) == digest(points(board, rows[::-1]), board)
    assert digest(some, board) != digest(some, board, 2)
    assert digest(some, board) != digest(some, build_board(rows, measure="balanced_accuracy"))
