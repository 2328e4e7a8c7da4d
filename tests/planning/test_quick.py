"""What is run where no suite says it: of the machine, of the data, and overridden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distbench.planning import quick as module
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.planning.quick import Machine, quick
from distbench.planning.resolve import ResolvedRun
from distbench.storage.system import memory
from distbench.storage.system.memory import total_memory

GB = 10**9


def chosen(toy_options: dict[str, Any], monkeypatch: Any, machine: Machine, **more: Any) -> Any:
    monkeypatch.setattr(module.Machine, "here", classmethod(lambda cls, device: machine))
    options = {k: v for k, v in toy_options.items() if k in ("plugin", "task", "zoo", "student")}
    return ResolvedRun(RunConfig.make(**options, **more))


@pytest.mark.parametrize(
    ("machine", "size"),
    [
        (Machine(2, False, 24 * GB), 96),
        (Machine(2, False, None), 96),
        (Machine(2, False, 4 * GB), 64),
        (Machine(8, False, 32 * GB), 128),
        (Machine(32, False, 256 * GB), 160),
        (Machine(4, True, 8 * GB), 224),
    ],
)
def test_the_size_follows_from_the_machine(
    toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, machine: Machine, size: int
) -> None:
    protocol = chosen(toy_options, monkeypatch, machine).protocol
    assert protocol.image_size == size
    assert (protocol.steps, protocol.batch) == ((1000, 64) if machine.gpu else (200, 32))
    assert protocol.version == 1 and protocol.labelled == 1.0


def test_steps_follow_from_the_images(toy_options: dict[str, Any]) -> None:
    options = {k: toy_options[k] for k in ("plugin", "zoo", "student")}
    machine = Machine(2, False, None)
    for count, steps in ((60, 200), (240, 300)):
        run = ResolvedRun(RunConfig.make(**options, task=(f"toy_task:train={count}",)))
        assert quick(run.tasks, machine).protocol.steps == steps, count


def test_methods_are_those_that_are_worth_it_and_options_win(
    toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(2, False, 24 * GB)
    run = chosen(toy_options, monkeypatch, machine)
    assert [c.name for c in run.components("distiller")] == ["pseudo_labels", "label_propagation"]
    assert [c.name for c in run.components("baseline")] == ["finetune"]
    note = run.quick_note()
    assert note == (
        "chosen for 2 CPU cores, 60 images to train on: 96 pixels, 200 steps, batches of 32, "
        "distillers pseudo_labels, label_propagation, baseline finetune (--image-size, --steps, "
        "--batch, --distiller, --baseline say otherwise)"
    )
    assert make_plan(run.config).notes[0] == note
    own = chosen(
        toy_options,
        monkeypatch,
        machine,
        steps=7,
        image_size=16,
        batch=4,
        distiller="none",
        baseline="fixmatch",
    )
    assert own.quick_note() is None
    assert (own.protocol.steps, own.protocol.image_size, own.protocol.batch) == (7, 16, 4)
    assert own.components("distiller") == ()
    assert [c.name for c in own.components("baseline")] == ["fixmatch"]


def test_a_suite_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(cls: type, device: str) -> Machine:
        raise AssertionError("a suite does not depend on the machine")

    monkeypatch.setattr(module.Machine, "here", classmethod(asked))
    run = ResolvedRun(RunConfig.make(suite="mini"))
    assert (run.protocol.image_size, run.quick_note()) == (32, None)
    assert [c.name for c in run.components("baseline")] == ["finetune", "fixmatch"]


def test_the_memory_of_a_container_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_GROUPS", ())
    whole = total_memory()
    assert whole is not None and whole > GB / 4
    limits = [str(tmp_path / name) for name in ("memory.max", "absent")]
    monkeypatch.setattr(memory, "_GROUPS", [(limit, "") for limit in limits])
    for text, expected in (("max\n", whole), ("1000000\n", 1_000_000)):
        (tmp_path / "memory.max").write_text(text)
        assert total_memory() == expected
