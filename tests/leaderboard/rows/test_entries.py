"""What counts, what is refused, and what is said of missing cells."""

from __future__ import annotations

import pytest

from distbench.errors import UsageError
from distbench.leaderboard.analysis.board import build_board
from distbench.leaderboard.rows.entries import Missing, cells, check_comparable
from distbench.leaderboard.rows.row_reader import as_records


def refused(rows) -> str:
    with pytest.raises(UsageError) as caught:
        build_board(rows)
    assert str(caught.value).endswith("Make one table for each.")
    return str(caught.value)


def test_mixed_protocols_are_refused_naming_the_field(make_row):
    rows = [
        make_row("finetune", "cub", 0, 0.5, protocol={"steps": 200, "ema": 0.9}),
        make_row("fixmatch", "cub", 0, 0.5, protocol={"steps": 400, "ema": 0.9}),
        make_row("fixmatch", "cub", 1, 0.5, protocol={"steps": 400, "ema": 0.9}),
    ]
    assert refused(rows) == (
        "these results cannot share a table: protocol.steps is 200 in 1 row (finetune) but "
        "400 in 2 rows (fixmatch). Make one table for each."
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"suite": "maxi"}, "the suite is maxi in 1 row (b) but mini in 1 row (a)"),
        ({"suite_version": 2}, "the suite version is 1 in 1 row (a) but 2 in 1 row (b)"),
        ({"student": {"name": "timm"}}, 'student.name is "mini" in 1 row (a) but "timm"'),
        ({"fingerprint": "g"}, "the data of task 'cub' is f in 1 row (a) but g in 1 row (b)"),
        ({"protocol": {"steps": 200}}, "protocol.image_size is 32 in 1 row (a) but null"),
    ],
)
def test_what_cannot_share_a_table(make_row, fields, said):
    assert said in refused([make_row("a", "cub"), make_row("b", "cub", **fields)])


def test_zoos_must_agree_where_there_is_one(make_row):
    check_comparable(as_records([make_row("a", "cub"), make_row("b", "cub", zoo="mini")]))
    rows = [make_row("a", "cub", zoo="big"), make_row("b", "cub", zoo="mini")]
    assert "the zoo is big in 1 row (a) but mini in 1 row (b)" in refused(rows)


def test_a_method_is_one_thing(make_row):
    parts = [{"metric": {"name": "logme", "version": v}} for v in (1, 2)]
    rows = [make_row("m", "cub", s, components=parts[s]) for s in (0, 1)]
    message = refused(rows)
    assert 'm.metric is {"name": "logme", "version": 1} in 1 row' in message
    rows = [make_row("m", "cub", s, role=r) for s, r in enumerate(("ranked", "control"))]
    assert "the role of 'm' is control in 1 row (m) but ranked in 1 row (m)" in refused(rows)


def test_many_methods_are_counted_not_listed(make_row):
    rows = [make_row(name, "cub") for name in "abcde"] + [make_row("z", "cub", suite_version=2)]
    assert "1 in 5 rows (a, b, c and 2 more) but 2 in 1 row (z)" in refused(rows)


def test_added_seeds_are_no_other_protocol(make_row):
    rows = [make_row("a", "cub", s, protocol={"seeds": [s], "steps": 1}) for s in (0, 1)]
    assert build_board(rows).seeds == (0, 1)


def test_rows_left_out_cannot_clash(make_row):
    rows = [make_row("a", "cub"), make_row("a", "pets", suite_version=2)]
    assert build_board(rows, tasks=["cub"]).suite_version == 1


def test_no_rows():
    with pytest.raises(UsageError, match="no results to make a leaderboard of"):
        build_board([])


def test_unknown_measure(make_row):
    with pytest.raises(UsageError, match="unknown measure 'f1': choose accuracy or balanced_acc"):
        build_board([make_row("a", "cub")], measure="f1")


def test_a_done_copy_counts_whatever_the_order(make_row):
    done = make_row("a", "cub", 0, 0.7)
    failed = make_row("a", "cub", status="failed", reason="out of memory")
    done, failed = as_records([done, failed])
    for rows in ([done, failed], [failed, done], [done, done]):
        assert cells(rows) == {("a", "cub", 0): done}


def test_two_results_of_one_cell_are_refused(make_row):
    rows = [make_row("a", "cub", 0, 0.7, key="k1"), make_row("a", "cub", 0, 0.6, key="k2")]
    with pytest.raises(UsageError) as caught:
        build_board(rows)
    message = "two different results for a on cub with seed 0 (keys k2 and k1). Keep one of them."
    assert str(caught.value) in (message, message.replace("k2 and k1", "k1 and k2"))


def test_missing_cells_have_reasons(make_row):
    rows = [
        make_row("a", "cub", 0, 0.7),
        make_row("a", "cub", 1, status="failed", reason="out of memory"),
        make_row("a", "pets", 0, status="declined", reason="no pair"),
    ]
    (line,) = build_board(rows, tasks=["cub", "pets"], seeds=[0, 1]).lines
    assert line.coverage == (1, 4)
    assert line.missing == (
        Missing("cub", 1, "failed", "out of memory"),
        Missing("pets", 0, "declined", "no pair"),
        Missing("pets", 1, "not run", ""),
    )
    assert line.entries[0].values == (0.7,)
    assert [entry.estimate for entry in line.entries] == [None, None]
