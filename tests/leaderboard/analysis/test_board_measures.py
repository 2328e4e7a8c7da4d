"""Boards by measures: which way is better, and over which there is no mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from distbench.errors import UsageError
from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.analysis.pareto import Point, front
from distbench.leaderboard.rows.measures import ACCURACY, Judged, MeasureFacts
from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.rows.row_reader import as_records
from distbench.leaderboard.statistics import Estimate, sampling_error
from distbench.leaderboard.tables.board_table import board_table
from distbench.leaderboard.tables.text_table import terminal_text

TASKS = {f"t{number}": [0.5] for number in range(6)}
PLAIN = MeasureFacts("nll", "NLL", higher_is_better=False, percent=False)


def judged(row: RowRecord, name: str, value: float) -> RowRecord:
    assert row.result is not None
    return row._replace(result=row.result._replace(judged={name: Judged(value)}))


def test_ranks_differences_and_wins_turn_where_lower_is_better(make_rows: Any) -> None:
    values = {"finetune": 0.9, "good": 0.5, "bad": 1.4}
    rows = [
        judged(row, "nll", values[method] + 0.01 * number)
        for method in values
        for number, row in enumerate(
            as_records(make_rows(method, {f"t{i}": [0.5] for i in range(6)}))
        )
    ]
    board = build_board(rows, measure=PLAIN)
    assert [line.method for line in board.lines] == ["good", "finetune", "bad"]
    good, _, bad = board.lines
    assert good.delta is not None and bad.delta is not None
    assert good.delta.mean == pytest.approx(-0.4)
    assert (good.win_rate, bad.win_rate) == (1.0, 0.0)
    assert (good.average_rank, bad.average_rank) == (1.0, 3.0)


def test_tasks_without_a_common_mean_are_refused(make_rows: Any) -> None:
    one, other = as_records(make_rows("a", {"t0": [0.5], "t1": [0.5]}))
    other = judged(other, "nll", 1.0)._replace(task=other.task)
    other = other._replace(task=replace(other.task, measure=PLAIN))
    with pytest.raises(UsageError, match="no mean over accuracy on t0 and nll on t1"):
        build_board([one, other])
    percent = replace(PLAIN, higher_is_better=True, percent=True)
    other = other._replace(task=replace(other.task, measure=percent))
    board = build_board([one, other])
    assert (board.measure, board.measures) == ("accuracy, nll", (ACCURACY, percent))
    assert board.lines[0].mean is not None
    assert board.lines[0].mean.mean == pytest.approx(0.75)


def test_a_measure_in_no_percent_is_written_as_it_is(make_rows: Any) -> None:
    rows = [judged(row, "nll", 1.23456) for row in as_records(make_rows("finetune", TASKS))]
    text = terminal_text(board_table(build_board(rows, measure=PLAIN)))
    assert "1.235" in text and "123.5" not in text
    assert "test NLL, lower is better" in text
    assert "percent" not in text


def test_a_cell_that_is_not_judged_is_missing_with_its_reason(make_rows: Any) -> None:
    rows = as_records(make_rows("a", TASKS))
    board = build_board(rows, measure=PLAIN)
    (line,) = board.lines
    assert (line.coverage, line.rank, line.mean) == ((0, 6), None, None)
    assert {(gap.status, gap.reason) for gap in line.missing} == {("no NLL", "it was not asked")}


def test_nothing_is_known_of_the_sampling_of_what_is_no_share() -> None:
    images, groups = [100, 100], ["a", "b"]
    both = float(sampling_error([0.1, 0.1], images, groups))
    one = float(sampling_error([0.1, 0.1], images, groups, [True, False]))
    assert one == pytest.approx(both / np.sqrt(2))
    assert float(sampling_error([0.1, 0.1], images, groups, [False, False])) == 0.0


def test_the_front_where_lower_is_better() -> None:
    some = [
        Point(name, "ranked", Estimate(mean), macs, 1.0)
        for name, mean, macs in (("cheap", 0.9, 1.0), ("low", 0.2, 5.0), ("worse", 0.95, 6.0))
    ]
    assert front(some, lambda point: point.training_macs, -1) == {"cheap", "low"}
    assert front(some, lambda point: point.training_macs) == {"cheap", "worse"}
