"""Studies: every source alone, and metrics judged by what came of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import DataError, UsageError
from distbench.leaderboard.analysis.metric_quality import judged
from distbench.planning.config import RunConfig
from distbench.workflows import study as studies
from distbench.workflows.study import study

Options = dict[str, Any]


def made(options: Options, runs: Path, oracle: str = "distil", **more: Any) -> Any:
    given = {"metric": ("logme", "parc"), "seeds": 2, "overlap": "allow"}
    config = RunConfig.make(**{**options, **given, **more})
    return study(config, oracle=oracle, runs=runs)


@pytest.mark.slow
def test_metrics_are_judged_by_what_each_source_led_to(
    toy_options: Options, tmp_path: Path
) -> None:
    found = made(toy_options, tmp_path)
    assert found.folder == tmp_path / "toy"
    assert found.oracle == "pseudo_labels"
    sources = {s for by_source in found.reached.values() for s in by_source}
    assert len(sources) >= 3
    assert len(found.reached) == 2 * 2, "tasks by seeds"
    assert set(found.scores) == {"logme", "parc"}
    assert any(line.by_task for line in found.lines)
    for line in found.lines:
        for task, values in line.by_task.items():
            each = []
            for seed in (0, 1):
                names = sorted(found.reached[task, seed])
                reached = np.array([found.reached[task, seed][n] for n in names])
                said = np.array([found.scores[line.metric][task, seed][n] for n in names])
                if np.ptp(reached) > 1e-9:
                    each.append(judged(said, reached))
            assert values == pytest.approx(np.mean(each, axis=0))
    for name in ("sources.png", "metrics.png"):
        assert (found.folder / name).read_bytes().startswith(b"\x89PNG")
    assert "| metric" in (found.folder / "metrics.md").read_text()
    with (found.folder / "sources.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * len(sources)
    first = rows[0]
    assert float(first["accuracy"]) == found.reached[first["task"], 0][first["source"]]
    assert float(first["logme"]) == found.scores["logme"][first["task"], 0][first["source"]]
    assert json.loads((found.folder / "study.json").read_text())["oracle"] == "pseudo_labels"


@pytest.mark.slow
def test_a_study_again_computes_nothing(toy_options: Options, tmp_path: Path) -> None:
    first, again = made(toy_options, tmp_path), made(toy_options, tmp_path)
    assert (first.run.computed > 0, again.run.computed) == (True, 0)
    assert first.lines == again.lines


@pytest.mark.slow
def test_another_distiller_as_the_oracle(toy_options: Options, tmp_path: Path) -> None:
    found = made(toy_options, tmp_path, oracle="task_oriented", seeds=1)
    assert found.oracle == "task_oriented"


@pytest.mark.slow
def test_an_oracle_that_no_source_serves(toy_options: Options, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no source could be tried by finetune: .*cannot be train"):
        made(toy_options, tmp_path, oracle="finetune", seeds=1)


def test_one_source_is_no_study(
    toy_options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies.ResolvedRun, "sources", {"alone": None})
    with pytest.raises(UsageError, match="a study compares sources; the zoo has 1"):
        made(toy_options, tmp_path)
