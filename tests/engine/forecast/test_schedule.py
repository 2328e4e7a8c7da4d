"""Orders and lengths of schedules, beside all that are possible."""

from __future__ import annotations

import random
from itertools import permutations

from distbench.engine.forecast.schedule import longest_paths, makespan
from distbench.interfaces.execution.unit import Unit


def test_paths_count_what_waits() -> None:
    units = [Unit("a"), Unit("b", ("a",)), Unit("c", ("a",)), Unit("d", ("b", "elsewhere"))]
    paths = longest_paths(units, {"a": 1.0, "b": 2.0, "c": 9.0, "d": 4.0})
    assert {unit.id: paths[unit.id] for unit in units} == {"a": 10.0, "b": 6.0, "c": 9.0, "d": 4.0}


def test_the_long_one_is_begun_before_short_ones() -> None:
    units = [*(Unit(f"short-{i}") for i in range(4)), Unit("long")]
    seconds = {unit.id: 10.0 for unit in units} | {"long": 40.0}
    assert makespan(units, seconds, workers=2) == 40.0
    assert makespan(units, seconds, workers=1) == 80.0
    assert makespan([], {}, workers=2) == 0.0


def test_a_worker_that_waits_for_a_need_is_counted() -> None:
    units = [Unit("read"), Unit("embed", ("read",)), Unit("cell", ("embed",)), Unit("other")]
    seconds = {"read": 5.0, "embed": 10.0, "cell": 30.0, "other": 8.0}
    assert makespan(units, seconds, workers=2) == 45.0, "no half of 53"


def test_it_lies_close_to_the_best_of_all_orders() -> None:
    draw = random.Random(0)
    for _ in range(20):
        seconds = {name: float(draw.randint(1, 30)) for name in "abcdef"}
        units = [Unit(n, tuple(m for m in "abc" if m < n and draw.random() < 0.4)) for n in seconds]
        best = min(
            _in_order(dict(zip(order, range(6), strict=True)), units, seconds)
            for order in permutations(seconds)
        )
        assert best <= makespan(units, seconds, workers=2) <= 4 / 3 * best


def _in_order(rank: dict[str, int], units: list[Unit], seconds: dict[str, float]) -> float:
    """Seconds where of the units that can be done the first by rank is begun, on two workers."""
    ends: dict[str, float] = {}
    free, left, now = [0.0, 0.0], {unit.id: unit.needs for unit in units}, 0.0
    while left:
        ready = [u for u, needs in left.items() if all(ends.get(n, 1e9) <= now for n in needs)]
        idle = min(free)
        if ready and idle <= now:
            unit = min(ready, key=lambda name: rank[name])
            del left[unit]
            ends[unit] = free[free.index(idle)] = now + seconds[unit]
        else:
            now = min(time for time in (*free, *ends.values()) if time > now)
    return max(ends.values())
