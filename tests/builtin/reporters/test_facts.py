"""What trackers are told holds what was set and measured, and no secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from distbench.workflows.run_result import RunResult
from distbench_builtin.reporters._cell_record import clean, curve, numbers, parameters, safe


def test_settings_and_numbers_of_a_cell(run: Callable[..., RunResult]) -> None:
    row = run("jsonl:log.jsonl").rows[0]
    told = parameters(row)
    assert told["task"] == "toy_task"
    assert told["method"] == told["baseline"] == "finetune"
    assert told["baseline.lr"] == row.method.components["baseline"]["params"]["lr"]
    assert told["protocol.labelled"] == "3-per-class"
    assert all(isinstance(value, (bool, int, float, str)) for value in told.values())
    assert row.result and row.cost
    assert numbers(row)["accuracy"] == row.result.accuracy
    assert numbers(row)["cost.parameters"] == row.cost.parameters
    assert [step for step, _ in curve(row)] == [point.step for point in row.result.curve]
    assert str(Path.cwd()) not in json.dumps([told, numbers(row)])


def test_secrets_are_taken_out_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "tops3cret-value")
    monkeypatch.setenv("HOME", "/home/somebody")
    said = clean(
        "GET https://me:pw@host/x?k=tops3cret-value as hf_abcdefghijklmnopqrst "
        "from /home/somebody/data"
    )
    assert said == "GET https://***@host/x?k=*** as *** from ~/data"
    assert clean("accuracy 0.5") == "accuracy 0.5"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("pseudo_labels/weighted/logme", "pseudo_labels-weighted-logme"),
        ("../../etc", "etc"),
        ("a b:c", "a-b-c"),
        ("..", "unnamed"),
    ],
)
def test_a_safe_name_is_one_part_of_a_path(name: str, plain: str) -> None:
    assert safe(name) == plain
