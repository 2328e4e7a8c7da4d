"""Costs and source weights."""

from __future__ import annotations

import csv
import io
import json

import pytest

from distbench.leaderboard.analysis.costs import method_costs
from distbench.leaderboard.analysis.source_weights import effective_number, source_weights
from distbench.leaderboard.tables.cost_table import COST_COLUMNS, cost_csv, cost_table
from distbench.leaderboard.tables.text_table import markdown_text, terminal_text
from distbench.leaderboard.tables.weight_table import weight_table, weights_json
from distbench.storage.rows import Row


def test_costs_are_means_and_the_largest_memory(make_row):
    rows = [
        make_row("a", "t", 0, cost={"train_seconds": 2.0, "peak_memory_mb": 50.0}),
        make_row("a", "t", 1, cost={"train_seconds": 4.0, "peak_memory_mb": 70.0}),
        make_row("a", "t", 2, status="failed", reason="no"),
    ]
    (line,) = method_costs(rows)
    assert (line.method, line.machine, line.cells) == ("a", "device=cpu", 2)
    assert (line.train_seconds, line.peak_memory_mb) == (3.0, 70.0)
    assert (line.teacher_macs, line.images_per_step) == (None, None)


def test_machines_are_kept_apart(make_row):
    rows = [
        make_row("a", "t", 0, environment={"device": "cpu", "threads": 1, "date": "monday"}),
        make_row("a", "t", 1, environment={"device": "cpu", "threads": 1, "date": "tuesday"}),
        make_row("a", "t", 2, environment={"device": "cuda", "threads": 1}),
        make_row("b", "t", 2, environment={}),
    ]
    lines = method_costs(rows)
    assert [(x.machine, x.method, x.cells) for x in lines] == [
        ("device=cpu; threads=1", "a", 2),
        ("device=cuda; threads=1", "a", 1),
        ("unknown", "b", 1),
    ]
    text = terminal_text(cost_table(lines))
    assert "Machine 2: device=cuda; threads=1." in text
    assert "Seconds and memory of different machines cannot be compared." in text


def test_cost_csv(make_row):
    row = make_row("a", "t", declared={"images_per_step": 64}, cost={"teacher_macs": 4 * 10**9})
    (read,) = csv.DictReader(io.StringIO(cost_csv(method_costs([row]))))
    assert list(read) == [column.key for column in COST_COLUMNS]
    assert read["teacher_macs"] == "4000000000"
    assert read["images_per_step"] == "64"
    assert read["training_macs"] == ""
    assert read["train_seconds"] == "2"


def test_cost_table_has_units_and_the_order_asked_for(make_row):
    rows = [make_row(m, "t", cost={"teacher_macs": 1_230_000_000}) for m in "ab"]
    lines = method_costs(rows, methods=["b"])
    assert [line.method for line in lines] == ["b", "a"]
    text = terminal_text(cost_table(lines))
    assert "1.5 M" in text
    assert "1.23 G" in text
    assert "machine" not in text.splitlines()[0]
    assert max(map(len, text.splitlines())) <= 150


FULL = {
    "training_macs": 300,
    "teacher_macs": 7,
    "teacher_pass_macs": 70,
    "teacher_training_macs": 5,
    "selection_macs": 1000,
    "teacher_pass_seconds": 4.0,
    "teacher_training_seconds": 0.5,
    "latency_ms": 1.25,
}


def test_training_is_student_passes_and_teaching_and_not_selection(make_row):
    (line,) = method_costs([make_row("a", "t", cost=FULL)])
    assert line.total_training_macs == 300 + 70 + 5
    assert line.total_training_seconds == 2.0 + 4.0 + 0.5
    assert (line.selection_macs, line.latency_ms) == (1000, 1.25)


def test_what_has_no_sources_has_no_passes(make_row):
    (line,) = method_costs([make_row("a", "t", cost={"training_macs": 300, "teacher_macs": 0})])
    assert (line.teacher_pass_macs, line.teacher_training_macs) == (0, 0)
    assert (line.total_training_macs, line.total_training_seconds) == (300, 2.0)


def test_sums_need_all_their_parts_in_every_cell(make_row):
    earlier = {"training_macs": 100, "teacher_macs": 7}
    rows = [make_row("a", "t", 0, cost=FULL), make_row("a", "t", 1, cost=earlier)]
    (line,) = method_costs(rows)
    assert (line.training_macs, line.teacher_pass_macs, line.latency_ms) == (200, 70, 1.25)
    assert (line.total_training_macs, line.total_training_seconds) == (None, None)


def test_rows_of_earlier_runs_are_read(make_row):
    plain = json.loads(make_row("a", "t", cost=FULL).model_dump_json())
    for field in set(FULL) - {"teacher_macs", "training_macs"}:
        del plain["cost"][field]
    row = Row.model_validate_json(json.dumps(plain))
    assert row.cost is not None
    assert (row.cost.latency_ms, row.cost.teacher_pass_macs) == (None, None)
    (read,) = csv.DictReader(io.StringIO(cost_csv(method_costs([row]))))
    assert (read["training_macs"], read["teacher_pass_macs"], read["latency_ms"]) == ("300", "", "")


def sources(weight, scores=None, **more):
    return {"eligible": tuple(weight), "weights": weight, "scores": scores or {}, **more}


def test_weights_are_averaged_over_seeds(make_row):
    rows = [
        make_row("m", "t", 0, sources=sources({"x": 1.0, "y": 0.0}, {"x": 2.0, "y": 1.0})),
        make_row("m", "t", 1, sources=sources({"y": 0.5, "z": 0.5}, {"y": 3.0, "z": 1.0})),
        make_row("finetune", "t", 0),
        make_row("m", "t", 2, status="failed", reason="no"),
    ]
    (line,) = source_weights(rows)
    assert [(s.source, s.weight, s.score) for s in line.shares] == [
        ("x", 0.5, 2.0),
        ("y", 0.25, 2.0),
        ("z", 0.25, 1.0),
    ]
    assert line.seeds == (0, 1)
    assert line.effective == pytest.approx((1 + 2) / 2)


def test_effective_number():
    assert effective_number([0.25] * 4) == pytest.approx(4)
    assert effective_number([1.0, 0.0]) == 1
    assert effective_number([]) == 0


def test_excluded_sources_keep_their_reasons(make_row):
    saw = {"birds": "trained on this task"}
    rows = [
        make_row("m", "t", 0, sources=sources({"x": 1.0}, excluded={**saw, "y": "not finite"})),
        make_row("m", "t", 1, sources=sources({"x": 1.0}, excluded=saw, marked={"x": "saw it"})),
    ]
    lines = source_weights(rows)
    assert lines[0].excluded == {**saw, "y": "not finite (1 of 2 seeds)"}
    text = terminal_text(weight_table(lines))
    assert "Excluded: birds on t: trained on this task." in text
    assert "Kept although it saw the task: x on t: saw it (1 of 2 seeds)." in text


def test_weight_tables_show_the_top_and_count_the_rest(make_row):
    weight = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1, "e": 0.0}
    rows = [make_row("m|n", t, sources=sources(weight, {"a": 0.123456})) for t in ("t-1", "t-2")]
    lines = source_weights(rows, tasks=["t-2"])
    assert [line.task for line in lines] == ["t-2", "t-1"]
    text = terminal_text(weight_table(lines, top=2))
    assert "a 0.40 (0.123)  b 0.30" in text
    assert "2: 0.30" in text
    assert "`m\\|n`" in markdown_text(weight_table(lines))
    plain = json.loads(weights_json(lines))
    assert [s["source"] for s in plain[0]["shares"]] == list("abcde")
    assert plain[0]["effective"] == pytest.approx(1 / 0.30)
