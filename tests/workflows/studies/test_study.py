"""Studies: every source alone, and metrics judged by what came of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distbench import DataError, UsageError
from distbench.leaderboard.analysis.metric_measures import judged
from distbench.planning.config import RunConfig
from distbench.workflows.studies import study as studies
from distbench.workflows.studies.study import study

Options = dict[str, Any]


def made(
    options: Options,
    runs: Path,
    oracle: str = "distil",
    reference: str | None = None,
    **more: Any,
) -> Any:
    given = {"metric": ("logme", "parc"), "seeds": 2, "overlap": "allow"}
    config = RunConfig.make(**{**options, **given, **more})
    return study(config, oracle=oracle, reference=reference, runs=runs)


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
        assert line.by_task.keys() | line.left_out.keys() == {task for task, _ in found.reached}
        assert line.noise is not None
        for task, values in line.by_task.items():
            names = sorted(found.reached[task, 0])
            reached = [np.array([found.reached[task, s][n] for n in names]) for s in (0, 1)]
            each = []
            for seed, own in enumerate(reached):
                said = np.array([found.scores[line.metric][task, seed][n] for n in names])
                tau, pearson, *_ = judged(said, np.mean(reached, axis=0))
                each.append((tau, pearson, *judged(said, reached[1 - seed], own)[2:]))
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
        options = {**toy_options, "zoo": "toy_zoo:trainable=false"}
        made(options, tmp_path, oracle="finetune", seeds=1)


def test_a_reference_that_is_not_judged_is_refused_before_anything_is_trained(
    toy_options: Options, tmp_path: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"unknown reference 'logm'\. Did you mean 'logme'\? It is"
    ):
        made(toy_options, tmp_path, reference="logm")
    assert not (tmp_path / "toy").exists()


def test_one_source_is_no_study(
    toy_options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies.ResolvedRun, "sources", {"alone": None})
    with pytest.raises(UsageError, match="a study compares sources; the zoo has 1"):
        made(toy_options, tmp_path)
