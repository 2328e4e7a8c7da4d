"""What a person hears of a run: which pieces have a line in a log, and with what count."""

from __future__ import annotations

from typing import Any

from distbench.engine.forecast.telling import Telling
from distbench.engine.forecast.time_left import TimeLeft
from distbench.interfaces.execution.unit import News, Outcome, Unit


def test_units_that_begin_are_under_way_and_end() -> None:
    now = [0.0]
    units = [
        Unit("e", (), "embedding", kind="embed", task="t"),
        Unit("a", (), "finetune", kind="cell", task="t"),
    ]
    left = TimeLeft(units, {"e": 5.0, "a": 90.0}, seconds=True, workers=1, clock=lambda: now[0])
    heard: list[tuple[str, int, int, bool]] = []

    def hear(text: str, done: int = 0, total: int | None = None, **more: Any) -> None:
        assert more["left"] is not None and total is not None
        heard.append((text, done, total, more["minor"]))

    telling = Telling(units, hear, left, long={"a"}, every=60.0, clock=lambda: now[0])
    telling.begun("e")
    telling.ended(Outcome("e", "done", seconds=4.0))
    telling.begun("a")
    for at, share in ((30.0, 0.2), (70.0, 0.5), (80.0, 0.6)):
        now[0] = at
        telling.under_way("a", News(f"step {at:.0f}", share))
    telling.ended(Outcome("a", "lost", "the node is gone"))
    telling.ended(Outcome("a", "failed", "out of memory", seconds=90.0))
    assert heard == [
        ("embedding: begun", 0, 2, True),
        ("embedding: done (4.0 s)", 1, 2, True),
        ("finetune: begun", 1, 2, False),
        ("finetune: step 30", 1, 2, True),
        ("finetune: step 70", 1, 2, False),
        ("finetune: step 80", 1, 2, True),
        ("finetune: lost: the node is gone, so it is tried again", 1, 2, False),
        ("finetune: failed: out of memory (90.0 s)", 2, 2, False),
    ]


def test_a_reason_is_told_once() -> None:
    units = [Unit(name, (), name, kind="cell", task="t") for name in "abc"]
    heard: list[str] = []
    left = TimeLeft(units, dict.fromkeys("abc", 1.0), seconds=True, workers=1)
    telling = Telling(units, lambda text, *_, **__: heard.append(text), left, long=(), every=60.0)
    telling.ended(Outcome("a", "failed", "no such image"))
    telling.ended(Outcome("b", "failed", "reading failed: no such image"))
    telling.ended(Outcome("c", "failed", "out of memory"))
    assert heard == [
        "a: failed: no such image",
        "b: failed: for the reason above",
        "c: failed: out of memory",
    ]
