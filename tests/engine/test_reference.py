"""Metrics that compare with a reference: the student, fine-tuned on the labels, trained once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import distbench
from distbench.planning.planner import make_plan
from distbench.storage.home import home

Options = dict[str, Any]
METRICS = ("cka:against=reference", "rsa")


@pytest.fixture
def options(toy_options: Options) -> Options:
    return {**toy_options, "metric": METRICS, "baseline": "none", "task": ("toy_task",)}


def scores(made: Any) -> dict[str, dict[str, float]]:
    return {
        row.method.components["metric"]["name"]: row.result.sources.scores
        for row in made.rows
        if row.result
    }


@pytest.mark.slow
def test_a_run_trains_one_reference_for_all_metrics_of_a_task_and_seed(options: Options) -> None:
    made = distbench.run(**options, distiller="pseudo_labels", seeds=2)
    assert [row.status for row in made.rows] == ["done"] * 4
    assert [job.seed for job in made.plan.jobs if job.stage == "reference"] == [0, 1]
    kept = list((home() / "artifacts" / "references").glob("*/*/features.npy"))
    assert len(kept) == 2
    assert np.load(kept[0]).shape == (9, 6)  # three images a class, six features
    assert set(scores(made)["rsa"]) == {"toy-0", "toy-1", "toy-2"}


def test_ranking_uses_the_same_reference(options: Options) -> None:
    ran = scores(distbench.run(**options))
    shared = ("plugin", "student", "labelled", "image_size", "steps", "batch")
    left = {key: options[key] for key in shared}
    compared = distbench.rank("toy_task", "toy_zoo", metric=list(METRICS), **left)
    for ranking in compared.rankings:
        wanted = ran[ranking.metric.partition(":")[0]]
        assert ranking.scores == {name: pytest.approx(wanted[name], rel=1e-4) for name in wanted}


def test_without_such_a_metric_nothing_is_trained_beforehand(options: Options) -> None:
    plan = distbench.run(**{**options, "metric": "logme"}).plan
    assert plan.reference is None
    assert {job.stage for job in plan.jobs} == {"prepare", "embed", "score"}


def test_the_cells_depend_on_how_the_reference_is_trained(options: Options) -> None:
    from distbench.planning.config import RunConfig

    def keys(file: str) -> dict[str, str]:
        plan = make_plan(RunConfig.make(**{**options, "metric": ("rsa", "logme"), "suite": file}))
        return {cell.method: cell.key for cell in plan.cells}

    text = 'name = "s"\nversion = 1\nstudent = "toy_student"\n'
    one, two = keys(_suite("a", text)), keys(_suite("b", text + 'reference = "finetune:lr=0.5"\n'))
    changed = {method for method in one if one[method] != two[method]}
    assert changed == {"pseudo_labels/weighted/rsa"}


def _suite(name: str, text: str) -> str:
    from pathlib import Path

    path = Path(f"{name}.toml")
    path.write_text(text)
    return str(path.resolve())


def test_where_the_reference_cannot_be_had_other_metrics_still_rank(options: Options) -> None:
    given = {"plugin": options["plugin"], "student": "timm:mobilenetv3_small_100"}
    compared = distbench.rank("toy_task", "toy_zoo", metric=["logme", "rsa"], **given)
    assert len(compared["logme"].sources) == 3
    assert compared["rsa"].sources == ()
    reasons = set(compared["rsa"].excluded.values())
    assert len(reasons) == 1
    assert "no reference for rsa: " in (reason := reasons.pop())
    assert "pretrained=false" in reason
