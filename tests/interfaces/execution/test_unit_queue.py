from __future__ import annotations

from pathlib import Path

from distbench.interfaces.execution.unit import Outcome, Resources, Unit
from distbench.interfaces.execution.unit_queue import UnitQueue


def test_units_come_when_what_they_need_is_done() -> None:
    seen: list[Outcome] = []
    units = [Unit("a"), Unit("b", ("a",)), Unit("c", ("a", "b")), Unit("d", ("elsewhere",))]
    queue = UnitQueue(units, Path("p"), on_outcome=seen.append)
    assert (queue.take(), queue.take(), queue.take()) == ("a", "d", None)
    queue.finish(Outcome("a", "done"))
    assert (queue.take(), queue.take()) == ("b", None)
    queue.finish(Outcome("b", "done"))
    assert queue.take() == "c"
    queue.finish(Outcome("c", "done"))
    queue.finish(Outcome("d", "done"))
    assert not queue.open
    assert [o.unit for o in seen] == ["a", "b", "c", "d"]


def test_a_failure_fails_what_needs_it_with_its_reason() -> None:
    seen: dict[str, Outcome] = {}
    units = [Unit("a", title="reading"), Unit("b", ("a",), "scoring"), Unit("c", ("b",)), Unit("d")]
    queue = UnitQueue(units, Path("p"), on_outcome=lambda o: seen.update({o.unit: o}))
    assert queue.take() == "a"
    queue.finish(Outcome("a", "failed", "no such file", refused=True))
    assert seen["b"].reason == "reading failed: no such file"
    assert seen["c"].reason == "reading failed: no such file"
    assert seen["c"].refused
    assert queue.take() == "d"


def test_nothing_is_handed_out_after_a_fatal_end() -> None:
    queue = UnitQueue([Unit("a"), Unit("b")], Path("p"))
    queue.finish(Outcome("a", "failed", "disk full", fatal=True))
    assert not queue.open
    assert queue.take() is None


def test_a_unit_that_was_lost_is_handed_out_again_and_fails_in_the_end() -> None:
    seen: list[Outcome] = []
    units = [Unit("a"), Unit("b", ("a",)), Unit("c")]
    queue = UnitQueue(units, Path("p"), retries=1, on_outcome=seen.append)
    assert queue.take() == "a"
    queue.finish(Outcome("a", "lost", "node n1 is down"))
    assert len(queue) == 3
    assert queue.take() == "a"  # before what has not been tried
    queue.finish(Outcome("a", "lost", "node n2 is down"))
    assert [(o.unit, o.status, o.reason) for o in seen] == [
        ("a", "lost", "node n1 is down"),
        ("a", "failed", "node n2 is down (2 times)"),
        ("b", "failed", "a failed: node n2 is down (2 times)"),
    ]
    assert queue.take() == "c"


def test_nothing_is_tried_again_where_that_is_not_wanted() -> None:
    queue = UnitQueue([Unit("a")], Path("p"), retries=0)
    queue.finish(Outcome("a", "lost"))
    assert not queue.open


def test_whoever_asks_gets_the_first_unit_that_fits() -> None:
    units = [Unit("a", resources=Resources(gpus=1)), Unit("b"), Unit("c", kind="score")]
    queue = UnitQueue(units, Path("p"))
    assert queue.take(lambda unit: not unit.resources.gpus) == "b"
    assert queue.take(lambda unit: unit.kind == "prepare") is None
    assert (queue.take(), queue.take()) == ("a", "c")
    assert queue["c"].kind == "score"


def test_the_most_urgent_come_first_and_equals_in_their_order() -> None:
    units = [Unit(name, ("a",) if name == "e" else (), task="t") for name in "abcde"]
    urgency = {"b": 2.0, "c": 1.0, "d": 2.0, "e": 3.0}
    queue = UnitQueue(units, Path("p"), urgency=urgency)
    assert [queue.take(near=near) for near in ((), ("t",))] == ["b", "d"]
    queue.finish(Outcome("b", "lost"))
    assert queue.take() == "b", "what was lost comes before all"
    assert [queue.take() for _ in range(3)] == ["c", "a", None]
    queue.finish(Outcome("a", "done"))
    assert queue.take() == "e"


def test_units_whose_images_are_near_come_first() -> None:
    units = [Unit("a", task="x"), Unit("b", task="y"), Unit("c", task="y"), Unit("d", task="z")]
    queue = UnitQueue(units, Path("p"))
    assert queue.take(near=["y"]) == "b"
    assert queue.take(lambda unit: unit.id != "c", near=["w", "y"]) == "a"
    queue.finish(Outcome("b", "lost"))
    assert queue.take(near=["y"]) == "b"
    assert [queue.take(near=["y"]), queue.take(near=["y"]), queue.take()] == ["c", "d", None]


def test_a_unit_that_was_thought_lost_and_ends_is_not_handed_out_again() -> None:
    queue = UnitQueue([Unit("a"), Unit("b")], Path("p"))
    assert queue.take() == "a"
    queue.finish(Outcome("a", "lost", "its node does not answer"))
    queue.finish(Outcome("a", "done"))
    assert [queue.take(), queue.take()] == ["b", None]
    queue.finish(Outcome("a", "failed", "too late"))
    assert len(queue) == 1
