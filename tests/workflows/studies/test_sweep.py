"""Sweeps: one run a value, and the curve through their means."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from distbench import UsageError
from distbench.planning.config import RunConfig
from distbench.workflows.studies.sweep import Sweep, configurations, run_sweep


def test_a_sweep_is_written_as_key_and_values() -> None:
    assert Sweep.parse("strategy.power=0, 4,inf") == Sweep("strategy.power", ("0", "4", "inf"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("power", "sweep 'power' will not do; write KEY=VALUE,VALUE"),
        ("power=1,,2", "will not do; write KEY=VALUE,VALUE"),
        ("power=1", "needs two values or more, each once"),
        ("power=1,2,1", "needs two values or more, each once"),
    ],
)
def test_what_is_no_sweep(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Sweep.parse(text)


def test_components_with_the_parameter_change_and_others_stay() -> None:
    config = RunConfig.make(strategy=("weighted:power=3", "nearest", {"use": "weighted"}))
    found = configurations(config, Sweep.parse("strategy.power=1,inf"))
    assert [one.strategy for one in found] == [
        ({"use": "weighted:power=3", "power": v}, "nearest", {"use": "weighted", "power": v})
        for v in ("1", "inf")
    ]
    assert [c.steps for c in configurations(config, Sweep.parse("steps=5,9"))] == ["5", "9"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("strategy.k", r"no strategy of this run has a parameter 'k' \(weighted\)"),
        ("zoo.k", r"no zoo of this run has a parameter 'k' \(none was given\)"),
        ("k", "nothing is called 'k'; sweep KIND.PARAMETER with a kind of distiller, strategy"),
        ("seeds", "nothing is called 'seeds'"),
        ("task.path", "nothing is called 'task.path'"),
    ],
)
def test_what_cannot_be_swept(key: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configurations(RunConfig.make(), Sweep.parse(f"{key}=1,2"))


@pytest.mark.slow
def test_a_curve_through_the_means_of_ordinary_runs(
    toy_options: dict[str, Any], tmp_path: Path
) -> None:
    config = RunConfig.make(
        **{**toy_options, "metric": "logme", "strategy": ("weighted", "nearest"), "name": "toy"}
    )
    swept = run_sweep(config, Sweep.parse("strategy.power=0,inf"), runs=tmp_path)
    assert swept.folder == tmp_path / "toy-strategy.power"
    assert swept.exit_code == 0
    by_name = {course.method: course for course in swept.curve.courses}
    weighted, nearest = (
        by_name["pseudo_labels/weighted/logme"],
        by_name["pseudo_labels/nearest/logme"],
    )
    first, last = (run.board for run in swept.runs)
    assert first is not None and last is not None
    for number, (value, board) in enumerate([(":0", first), (":inf", last)]):
        found = {line.method: line.mean for line in board.lines}
        assert {c.method: c.means[number] for c in swept.curve.courses} == {
            name.replace(value, ""): mean for name, mean in found.items()
        }
        assert f"pseudo_labels/weighted{value}/logme" in found
    assert nearest.constant and by_name["finetune"].constant
    assert weighted.means[1] == nearest.means[1], "an infinite power takes the best only"

    with (swept.folder / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(swept.curve.courses)
    written = next(r for r in rows if r["method"] == weighted.method and r["value"] == "0")
    assert float(written["mean"]) == weighted.means[0].mean  # type: ignore[union-attr]
    assert (swept.folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "| `finetune`" in (swept.folder / "curve.md").read_text()
    assert json.loads((swept.folder / "sweep.json").read_text())["key"] == "strategy.power"


@pytest.mark.slow
def test_options_of_the_protocol_make_a_run_each(
    toy_options: dict[str, Any], tmp_path: Path
) -> None:
    options = {**toy_options, "distiller": ("none",), "baseline": ("finetune",)}
    swept = run_sweep(RunConfig.make(**options), Sweep.parse("steps=2,3"), runs=tmp_path)
    assert [run.plan.protocol.steps for run in swept.runs] == [2, 3]
    assert [run.folder.name for run in swept.runs] == ["at-2", "at-3"]
