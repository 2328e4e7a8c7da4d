"""Cells and jobs as units: kinds, resources, and groups of sources for GPUs."""

from __future__ import annotations

from typing import Any

import pytest

from distbench.interfaces.execution.unit import Resources
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.planning.units import balanced, sources_together, units_of


@pytest.fixture
def plan(toy_options: dict[str, Any]) -> Plan:
    return make_plan(RunConfig.make(**{**toy_options, "task": ("toy_task",)}, threads=2))


def test_what_each_unit_does_and_takes(plan: Plan) -> None:
    units = units_of(plan, plan.cells, 5.0, gpus=1)
    kinds = {unit.kind: unit.resources for unit in units}
    assert kinds == {
        "prepare": Resources(2, 0),
        "embed": Resources(2, 1),
        "score": Resources(1, 0),
        "cell": Resources(2, 1),
    }
    assert {unit.timeout for unit in units} == {5.0}
    assert {unit.task for unit in units} == {"toy_task"}
    assert all(not unit.resources.gpus for unit in units_of(plan, plan.cells))
    done: set[str] = set()
    for unit in units:
        assert set(unit.needs) <= done
        done.add(unit.id)


def test_sources_are_embedded_in_as_many_passes_as_there_are_gpus(plan: Plan) -> None:
    units = {unit.id: unit for unit in units_of(plan, plan.cells, gpus=1, groups=2)}
    together = [unit for unit in units.values() if unit.kind == "together"]
    found = [sources_together(plan, unit.id) for unit in together]
    assert found == [("toy_task", ("toy-0", "toy-2"))]  # toy-1 is alone in its group
    assert together[0].needs == ("prepare:toy_task",)
    assert together[0].resources == Resources(2, 1)
    assert units["embed:toy_task:toy-1"].needs == ("prepare:toy_task", together[0].id)
    assert sources_together(plan, "embed:toy_task:toy-1") is None
    order = list(units)
    assert order.index(together[0].id) < order.index("embed:toy_task:toy-0")


def test_groups_cost_about_the_same() -> None:
    costs = {"a": 9.0, "b": 5.0, "c": 4.0, "d": 3.0, "e": 3.0}
    assert balanced(costs, 2) == [("a", "d"), ("b", "c", "e")]
    assert balanced(costs, 1) == [("a", "b", "c", "d", "e")]
    assert balanced({"a": 1.0}, 3) == [("a",), (), ()]
