from __future__ import annotations

from typing import Any

from distbench import Range
from distbench.plugins.registry import registry


def test_it_starts_from_nothing_and_is_a_control() -> None:
    scratch: Any = registry().make("baseline", "scratch")
    assert scratch.initialisation == "random"
    assert scratch.role == "control"
    assert scratch.lr == 0.1


def test_its_rates_are_looked_for_higher_up() -> None:
    scratch, finetune = (registry().load("baseline", n) for n in ("scratch", "finetune"))
    own, other = (Range.of(cls.parameters()["lr"]) for cls in (scratch, finetune))
    assert own is not None and other is not None
    assert own.low == 10 * other.low  # type: ignore[operator]
    assert own.high == 1.0
