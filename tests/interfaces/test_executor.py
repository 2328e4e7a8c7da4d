from __future__ import annotations

from pathlib import Path

from distbench.interfaces.executor import Outcome, Unit, UnitQueue


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
