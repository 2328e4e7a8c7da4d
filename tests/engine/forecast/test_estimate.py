"""What a run is expected to take, from paces and sizes; and the paces of real networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from distbench.engine.forecast import estimate as module
from distbench.engine.forecast.estimate import Estimate, estimate, foreseen
from distbench.engine.forecast.pace import Pace, measure_pace
from distbench.engine.forecast.schedule import longest_paths, makespan
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.planning.units import units_of

PACE = Pace(learn=0.01, show=0.002, read=0.5, sources=[(2000, 0.1)], memory=1e6)


@pytest.fixture
def plan(toy_options: dict[str, Any]) -> Plan:
    options = {**toy_options, "task": "toy_task", "steps": 50, "validation": 0.2}
    return make_plan(
        RunConfig.make(**options, distiller="pseudo_labels", baseline=("finetune", "fixmatch"))
    )


def test_units_cost_what_goes_through_networks(plan: Plan) -> None:
    units = units_of(plan, plan.cells)
    found = estimate(plan, units, PACE, workers=2)
    (task,) = plan.tasks
    assert task.images["train"] == 60 and task.images["test"] == 30
    judged = 0.002 * (10 * task.images["validation"] + 30)
    of = {unit.id: seconds for unit, seconds in zip(units, found.units.values(), strict=True)}
    assert of["toy_task:finetune:0"] == pytest.approx(1.5 + 50 * 8 * 0.01 + judged)
    assert of["toy_task:fixmatch:0"] == pytest.approx(1.5 + 50 * 8 * 15 * 0.01 + judged)
    (prepare,) = (unit.id for unit in units if unit.kind == "prepare")
    assert of[prepare] == pytest.approx(90 * 0.5)
    for unit in units:
        if unit.kind == "embed":
            (job,) = (job for job in plan.jobs if job.id == unit.id)
            macs = plan.source(job.source or "").macs
            assert of[unit.id] == pytest.approx(60 * 0.1 * (macs or 2000) / 2000)
    assert found.seconds == pytest.approx(6 + makespan(units, of, 2))
    assert found.urgency == longest_paths(units, of)
    assert found.memory == 700e6 + 8 * 15 * 1e6
    assert found.heaviest[0] == "fixmatch"


def test_much_is_warned_of() -> None:
    seconds = {"a": 9000.0, "b": 300.0}
    long = Estimate(seconds, 2, 3e9, ("fixmatch", 0.97), seconds=9006.0, urgency=seconds)
    assert long.warning(None) == (
        "this will take 2.5 h, 97 % of it for fixmatch; fewer methods, --steps, a smaller "
        "--image-size or --batch make it shorter. What ends is kept, whenever it is stopped"
    )
    seconds = {"a": 90.0}
    short = Estimate(seconds, 2, 3e9, ("finetune", 1.0), seconds=96.0, urgency=seconds)
    assert str(short) == "about 2 min and 3.0 GB of memory each with 2 workers"
    assert short.warning(20e9) is None and short.warning(None) is None
    said = short.warning(8e9)
    assert said is not None and "2 workers will take about 6.0 GB of memory, and 8.0 GB" in said


def test_nothing_is_measured_for_what_is_short_or_of_a_suite(
    plan: Plan, toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(plan: Plan, workers: int) -> Pace:
        raise AssertionError("measuring takes longer than this")

    monkeypatch.setattr(module, "measure_pace", measured)
    short = make_plan(RunConfig.make(**toy_options))
    assert foreseen(short, units_of(short, short.cells), 2, list) is None
    suite = make_plan(RunConfig.make(suite="mini", task="mini-cub", distiller="none"))
    assert foreseen(suite, units_of(suite, suite.cells), 2, list) is None
    monkeypatch.setattr(module, "measure_pace", lambda plan, workers: PACE)
    assert foreseen(plan, units_of(plan, plan.cells), 2, list) is not None
    monkeypatch.setattr(module, "measure_pace", lambda plan, workers: "it has no weights")
    assert foreseen(plan, units_of(plan, plan.cells), 2, list) is None


@pytest.mark.slow
def test_paces_of_networks_are_measured(plan: Plan) -> None:
    pace = measure_pace(plan, workers=2)
    assert isinstance(pace, Pace), pace
    assert 0 < pace.show <= pace.learn < 1
    assert pace.read > 0 and pace.memory > 0
    macs, seconds = zip(*pace.sources, strict=True)
    assert {*macs} <= {source.macs for source in plan.sources} and min(seconds) > 0


def test_a_source_takes_as_long_as_the_most_similar_one_in_proportion() -> None:
    pace = replace(PACE, sources=[(1000, 0.3), (8000, 0.4), (0, 9.0)])
    assert pace.of_source(2000) == pytest.approx(0.6)
    assert pace.of_source(4000) == pytest.approx(0.2)
    assert pace.of_source(16000) == pytest.approx(0.8)
    assert pace.of_source(None) == 0.4, "the median"
    assert replace(PACE, sources=[]).of_source(2000) == 0.0
