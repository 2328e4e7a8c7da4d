"""What is left of a run: by kind, by size, corrected by what was measured."""

from __future__ import annotations

import pytest

from distbench.engine.forecast.time_left import TimeLeft
from distbench.interfaces.execution.unit import Unit
from distbench.interfaces.progress import spoken_time


def units() -> list[Unit]:
    scores = [Unit(f"score:{i}", (), "", kind="score", task="t") for i in range(10)]
    return [*scores, *(Unit(name, (), "", kind="cell", task="t") for name in ("a", "b", "long"))]


SIZES = {**{f"score:{i}": 1.0 for i in range(10)}, "a": 1.0, "b": 1.0, "long": 15.0}


def test_quick_units_say_nothing_of_long_ones() -> None:
    left = TimeLeft(units(), SIZES, seconds=False, workers=1)
    assert left.seconds() is None
    for i in range(10):
        left.ended(f"score:{i}", 0.1)
    assert left.seconds() is None, "no training has ended yet"
    left.ended("a", 100.0)
    assert left.seconds() == pytest.approx(100 + 1500)
    left.ended("b", 140.0)  # a unit of size takes 120 s
    assert left.seconds() == pytest.approx(15 * 120)
    left.ended("long", 1640.0)
    assert left.seconds() == 0


def test_an_estimate_is_corrected_by_kind() -> None:
    left = TimeLeft(units(), SIZES, seconds=True, workers=2)
    assert left.seconds() == pytest.approx(15), "no shorter than the longest"
    left.ended("a", 4.0)
    assert left.seconds() == pytest.approx(60)
    left.ended("long", 60.0)
    assert left.seconds() == pytest.approx((10 * 1 + 4) / 2)


def test_what_has_begun_is_nearer_to_its_end() -> None:
    now = [0.0]
    left = TimeLeft(units()[-2:], SIZES, seconds=True, workers=2, clock=lambda: now[0])
    left.begun("long")
    now[0] = 10.0
    assert left.seconds() == pytest.approx(5)
    now[0] = 99.0
    assert left.seconds() == pytest.approx(1), "late, so at any moment; b is to come"


def test_how_far_a_training_is_says_when_it_ends() -> None:
    now = [0.0]
    left = TimeLeft(units()[-2:], SIZES, seconds=True, workers=2, clock=lambda: now[0])
    left.begun("long")
    now[0] = 10.0
    left.reached("long", 0.25)
    assert left.seconds() == pytest.approx(30)
    now[0] = 20.0
    assert left.seconds() == pytest.approx(20)
    left.ended("long", 40.0)
    assert left.seconds() == pytest.approx(40 / 15)


def test_a_unit_that_was_lost_begins_from_nothing() -> None:
    now = [0.0]
    left = TimeLeft(units()[-2:], SIZES, seconds=True, workers=1, clock=lambda: now[0])
    left.begun("long")
    now[0] = 10.0
    left.reached("long", 0.5)
    assert left.seconds() == pytest.approx(10 + 1)
    now[0] = 500.0
    left.begun("long")
    assert left.seconds() == pytest.approx(15 + 1)


def test_what_comes_before_is_no_part_of_the_share() -> None:
    now = [0.0]
    left = TimeLeft(units()[-2:], SIZES, seconds=True, workers=2, clock=lambda: now[0])
    left.begun("long")
    now[0] = 1000.0
    left.reached("long", 0.0)  # its teachers were trained until now
    now[0] = 1010.0
    left.reached("long", 0.25)
    assert left.seconds() == pytest.approx(30)


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_times_are_spoken(seconds: float, text: str) -> None:
    assert spoken_time(seconds) == text


def test_what_waits_is_not_gone_through_at_each_piece_of_news() -> None:
    class Counted(dict[str, float]):
        looked_up = 0

        def __getitem__(self, key: str) -> float:
            self.looked_up += 1
            return super().__getitem__(key)

    many = [Unit(f"u{i}", (), "", kind="cell", task="t") for i in range(1000)]
    sizes = Counted({unit.id: float(i % 7 + 1) for i, unit in enumerate(many)})
    left = TimeLeft(many, sizes, seconds=True, workers=4)
    for unit in many:
        left.begun(unit.id)
        assert left.seconds() is not None
        left.ended(unit.id, 1.0)
    assert sizes.looked_up < 10 * len(many)
