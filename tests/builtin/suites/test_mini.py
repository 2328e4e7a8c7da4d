"""The embedded suite through the engine, with its real components and few steps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import distbench
import distbench_builtin
from distbench.errors import WeightsError

ZOO = Path(distbench_builtin.__file__).parent / "shared" / "mini" / "weights"
QUICK = {"suite": "mini", "task": "mini-cub:train=120,test=40", "steps": 3, "executor": "serial"}


@pytest.mark.slow
def test_every_method_on_one_task() -> None:
    made = distbench.run(
        **QUICK,
        metric=("logme", "parc"),
        strategy=("nearest", "equal", "weighted", "softmax", "top:k=2"),
        baseline=("finetune", "fixmatch", "scratch"),
    )
    assert [row.reason for row in made.rows if row.status != "done"] == []
    assert len(made.rows) == 4 * 2 + 1 + 3
    by_method = {row.method.id: row for row in made.rows}
    equal = by_method["pseudo_labels/equal"].result
    assert equal is not None
    assert len(equal.sources.weights) == 28
    assert by_method["pseudo_labels/equal"].cost is not None
    top = by_method["pseudo_labels/top:2/logme"].result
    assert top is not None
    assert sorted(w for w in top.sources.weights.values() if w) == [0.5, 0.5]
    assert by_method["scratch"].method.role == "control"


def test_the_suite_has_eight_tasks_that_are_registered() -> None:
    from distbench.interfaces.suite import settings_of
    from distbench.planning.settings import check_settings
    from distbench.plugins.registry import registry

    definition = registry().make("suite", "mini").definition()  # type: ignore[attr-defined]
    assert len(definition.tasks) == 8
    for entry in definition.tasks:
        assert registry().make("task", entry.use).index().classes  # type: ignore[attr-defined]
    check_settings(definition, registry())
    for name in ("one_per_domain", "subset"):
        table = settings_of(definition.settings, "strategy", name)
        made = registry().make("strategy", name, defaults=table)
        assert made.typed(table) == name, "what the suite says goes without saying"
    for kind in ("baseline", "distiller"):
        tuned = {
            name for name in registry().names(kind) if settings_of(definition.settings, kind, name)
        }
        left = set(registry().names(kind)) - tuned
        # The one is a source as it is; the other needs a source that reads text: mini has none.
        assert left <= {"probe_source", "zero_shot"}, "was not tuned"


@pytest.mark.slow
def test_workers_and_this_process_give_equal_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = []
    for executor in ("serial", "local"):
        monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / executor))
        made = distbench.run(**{**QUICK, "executor": executor}, strategy="top:k=2", workers=2)
        found.append({r.method.id: r.result.model_dump_json() for r in made.rows if r.result})
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_altered_weights_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    zoo = shutil.copytree(ZOO, tmp_path / "zoo")
    weights = zoo / "birds-fast.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(bytes(raw))
    with pytest.raises(WeightsError, match="'birds-fast'") as caught:
        distbench.run(**QUICK, zoo=f"mini:path={zoo}")
    assert caught.value.exit_code == 3
    assert not Path("runs").exists()
