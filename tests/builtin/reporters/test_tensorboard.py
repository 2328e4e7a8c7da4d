from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench.errors import UsageError
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]
FOLDER = Path("tb/logs")


def test_a_missing_package_is_named_before_anything(run: Run, without: Any) -> None:
    without("tensorboard")
    with pytest.raises(UsageError, match=r"'tensorboard'.*pip install 'distbench\[tensorboard\]'"):
        run(f"tensorboard:{FOLDER}")
    assert not Path("runs").exists()


@pytest.mark.slow
def test_curves_accuracies_and_settings(run: Run) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    made = run(f"tensorboard:{FOLDER}")
    row = made.rows[0]
    assert row.result and row.cost
    where = FOLDER / "toy_task" / "finetune" / f"seed-0-{row.key[:8]}"
    runs = EventMultiplexer().AddRunsFromDirectory(str(FOLDER)).Reload().Runs()
    assert list(runs) == [where.relative_to(FOLDER).as_posix()]
    events = EventAccumulator(str(where)).Reload()
    curve = [(e.step, e.value) for e in events.Scalars("train_loss")]
    assert curve == [(p.step, pytest.approx(p.loss)) for p in row.result.curve]
    assert events.Scalars("accuracy")[0].value == pytest.approx(row.result.accuracy)
    assert events.Scalars("accuracy")[0].step == row.cost.steps
    settings = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"finetune" in settings and b"3-per-class" in settings
    before = sorted(p.read_bytes() for p in FOLDER.rglob("*tfevents*"))
    run(f"tensorboard:{FOLDER}")
    assert sorted(p.read_bytes() for p in FOLDER.rglob("*tfevents*")) == before
    assert [p.name for p in FOLDER.parent.iterdir()] == ["logs"], "no draft is left"


def test_a_cell_that_was_finished_before_is_added_once(run: Run) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    run("jsonl:x.jsonl")
    assert run(f"tensorboard:{FOLDER}").computed == 0
    assert len(list(FOLDER.rglob("seed-0-*"))) == 1


def test_failed_cells_have_no_events(run: Run) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    assert run(f"tensorboard:{FOLDER}", baseline="misbehaving").warnings == ()
    assert list(FOLDER.iterdir()) == []
