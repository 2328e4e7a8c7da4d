from __future__ import annotations

from typing import Any

import pytest

from distbench import Component, Range, searched
from distbench.interfaces.parameters import natural_end
from distbench.plugins.registry import registry


def test_a_field_carries_its_range() -> None:
    class Thing(Component):
        rate: float = searched(0.1, low=1e-3, high=0.3, log=True, gt=0, description="how fast")
        power: float = searched(9.0, low=1, high=20, primary=True)
        kind: str = searched("a", among=("a", "b"))
        plain: int = 3

    found = {key: Range.of(field) for key, field in Thing.parameters().items()}
    assert found == {
        "rate": Range(1e-3, 0.3, log=True),
        "power": Range(1, 20),
        "kind": Range(among=("a", "b")),
        "plain": None,
    }
    assert Thing.primary_field() == "power"
    assert Thing.parameters()["rate"].description == "how fast"
    with pytest.raises(ValueError, match="greater than 0"):
        Thing(rate=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"low": 1}, "low and high, or among"),
        ({"low": 2, "high": 1}, "low must be less than high"),
        ({"low": 0, "high": 1, "log": True}, "low must be above 0"),
        ({"low": 0, "high": float("inf")}, "both finite"),
        ({"among": (1,)}, "two values"),
        ({"among": (1, 2), "low": 0, "high": 1}, "not both"),
        ({"low": 5, "high": 6}, "default 1 does not lie in the range 5 .. 6"),
    ],
)
def test_what_is_no_range_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        searched(1, **given)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"low": 1, "hihg": 2}, "not 'hihg'"),
        ({"low": "1", "high": 2}, "low must be a number"),
        ({"among": "ab"}, "must be a list"),
    ],
)
def test_what_a_file_may_not_hold(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Range.from_table(table)


def test_a_range_and_its_table() -> None:
    for found in (Range(1, 2), Range(0.1, 1.0, log=True), Range(among=("a", "b")), Range(0, 1)):
        assert Range.from_table(found.table()) == found
    assert str(Range(1e-3, 0.3, log=True)) == "0.001 .. 0.3 (log)"
    assert str(Range(among=(2, 3))) == "2, 3"


def test_ends() -> None:
    linear, log = Range(0.0, 1.0), Range(1e-4, 1.0, log=True)
    assert [linear.end(v) for v in (0.04, 0.06, 0.94, 0.96)] == ["low", None, None, "high"]
    assert log.end(0.04) is None, "far from the lower end on its own scale"
    assert [log.end(1.3e-4), log.end(0.8)] == ["low", "high"]
    steps = Range(among=(2, 3, 5))
    assert [steps.end(v) for v in (2, 3, 5)] == ["low", None, "high"]
    assert Range(among=("a", "b")).end("a") is None
    assert Range(among=(True, False)).end(True) is None


def test_nothing_lies_beyond_what_a_parameter_can_be() -> None:
    class Thing(Component):
        share: float = searched(0.5, low=0, high=1, ge=0, le=1)
        rate: float = searched(0.5, low=0.1, high=1, gt=0)

    share, rate = Thing.parameters().values()
    assert natural_end(share, "low", Range(0, 1)) and natural_end(share, "high", Range(0, 1))
    assert not natural_end(share, "high", Range(0, 0.9))
    assert not natural_end(rate, "low", Range(0.1, 1))


@pytest.mark.parametrize("name", registry().names("baseline"))
def test_every_baseline_says_how_it_is_tuned(name: str) -> None:
    cls = registry().load("baseline", name)
    found = {k: r for k, f in cls.parameters().items() if (r := Range.of(f))}
    assert {"lr", "weight_decay"} <= set(found)
    for key, declared in found.items():
        ends = declared.among or (declared.low, declared.high)
        for value in ends:
            assert getattr(cls(**{key: value}), key) == value
