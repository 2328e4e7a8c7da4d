"""Evidence of lines: the weakest cell counts, each by its best copy."""

from __future__ import annotations

import pytest

from distbench.leaderboard.analysis.reports import reports
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.row_reader import Reader
from distbench.leaderboard.tables.board_table import board_csv


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (({"a": "verified", "b": "recomputed"},), "recomputed"),
        (({"a": "verified", "b": "verified"},), "verified"),
        (({"a": "claimed", "b": "claimed"}, {"a": "recomputed", "b": "verified"}), "recomputed"),
        (({"a": "recomputed", "b": "claimed"}, {"a": "claimed", "b": "claimed"}), "claimed"),
        (({"a": "claimed", "b": "claimed"}, {"a": "run", "b": "run"}), "claimed"),
        (({"a": "run", "b": "run"},), None),
    ],
)
def test_a_line_is_believed_as_far_as_its_weakest_cell(make_rows, files, line):
    reader = Reader()
    rows = make_rows("finetune", {"a": [0.5], "b": [0.6]})
    records = [
        reader.record(row, number, evidence=of[row.task.id])
        for number, of in enumerate(files)
        for row in rows
    ]
    origins = tuple(RowOrigin(f"{n}", "bundle", "ann") for n in range(len(files)))
    (report,) = reports(Collected(origins, tuple(records), ()))
    head, text = board_csv(report.board).splitlines()
    if line is None:  # a run's own table has no such column
        assert "evidence" not in head
    else:
        assert dict(zip(head.split(","), text.split(","), strict=True))["evidence"] == line
