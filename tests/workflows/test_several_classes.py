"""A run on images that may show several classes: from the plan to leaderboard and export."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import distbench
from distbench.planning.config import RunConfig
from distbench.planning.plan import Plan
from distbench.planning.planner import make_plan
from distbench.plugins.registry import registry
from distbench.storage.hits import read_test_labels
from distbench.storage.predictions import of_row
from distbench.storage.probabilities import of_run, probabilities
from distbench.workflows.export import export_forms

MULTI = Path(__file__).parents[1] / "multi_toys.py"
BASELINES = ("finetune", "linear_probe", "scratch", "lp_ft", "mean_teacher", "fixmatch")
DISTILLERS = ("pseudo_labels", "task_agnostic", "finetune_source", "label_propagation")


@pytest.fixture
def options(toy_options: dict[str, Any]) -> dict[str, Any]:
    return {
        **toy_options,
        "plugin": (*toy_options["plugin"], MULTI),
        "task": ("multi_toy",),
        "labelled": "5-per-class",
        "strategy": "weighted",
        "seeds": 1,
    }


def test_methods_learn_it_or_decline_before_anything_is_computed(options: dict[str, Any]) -> None:
    run = distbench.run(
        **options, baseline=BASELINES, distiller=DISTILLERS, metric=("logme", "hscore")
    )
    reasons = {row.method.id: row.reason for row in run.rows if row.status == "declined"}
    assert reasons.pop("fixmatch") == (
        "baseline fixmatch needs images of one class each, and those of multi_toy may show "
        "several; choose finetune, linear_probe, lp_ft, mean_teacher, scratch, view_averaging"
    )
    assert {why.partition(" and those")[0] for why in reasons.values() if why} == {
        "metric hscore needs images of one class each,",
        "distiller label_propagation needs images of one class each,",
    }
    assert len(reasons) == 5  # four distillers with hscore, and one with logme
    done = {row.method.id: row for row in run.rows if row.status == "done"}
    assert len(done) == len(run.rows) - 6 == 8
    labels = registry((MULTI,)).make("task", "multi_toy").index().parts["test"].labels
    for row in done.values():
        result = row.result
        predictions, logs = of_row(run.folder, row), of_run(run.folder, row)
        assert result and predictions is not None and logs is not None
        right = ((predictions == labels) | (labels < 0)).all(axis=1)
        assert result.accuracy == right.mean() and predictions.shape == (30, 3)
        shares = probabilities(logs, several=True)
        sure = abs(shares - 0.5) > 0.001  # float16 is not sure of more
        assert np.array_equal(predictions[sure] == 1, shares[sure] > 0.5)
        assert result.validation_accuracy is not None and 0 < result.validation_accuracy <= 1
    assert np.array_equal(read_test_labels(run.folder)["multi_toy"], labels)
    board = json.loads((run.folder / "leaderboard.json").read_text())
    assert "mean average precision" in json.dumps(board)
    again = distbench.run(
        **options, baseline=BASELINES, distiller=DISTILLERS, metric=("logme", "hscore")
    )
    assert [row.key for row in again.rows] == [row.key for row in run.rows]


def test_what_is_declined_needs_nothing(options: dict[str, Any]) -> None:
    plan = planned(options, baseline="none", distiller="label_propagation", metric="logme")
    assert list(plan.declined["multi_toy"]) == ["label_propagation/weighted/logme"]
    (cell,) = plan.cells
    assert cell.needs == () and {job.stage for job in plan.jobs} == {"prepare"}
    assert plan.task("multi_toy").several and plan.task("multi_toy").measure == "map"
    assert Plan.from_json(plan.to_json()) == plan


def test_plans_of_one_class_an_image_are_as_they_were(toy_options: dict[str, Any]) -> None:
    plan = planned(toy_options, baseline="fixmatch", distiller="none")
    assert not plan.declined and plan.cells[0].needs
    assert not {"declined", "several", "measure"} & {*json.loads(plan.to_json())["tasks"][0]}
    assert "declined" not in json.loads(plan.to_json())


def planned(options: dict[str, Any], **more: Any) -> Plan:
    return make_plan(RunConfig.make(None, **options, **more))


def test_a_student_that_is_shipped_says_sigmoid_and_a_half(
    options: dict[str, Any], tmp_path: Path
) -> None:
    run = distbench.run(**{**options, "save_student": True}, baseline="finetune", distiller="none")
    shipped = export_forms(
        "multi_toy:finetune:0", ["torch"], run=run.folder, output=tmp_path / "out"
    )[0]
    about = json.loads((shipped.folder / "preprocessing.json").read_text())
    assert about["activation"] == "sigmoid" and about["threshold"] == 0.5
    assert about["classes"] == ["a", "b", "c"]
    card = (shipped.folder / "README.md").read_text()
    assert "says which of 3 classes an image shows, several or none" in card
    assert "sigmoid of its logit" in card and "if share >= 0.5" in card
    assert "softmax" not in (shipped.folder / "load.py").read_text()

    picture = tmp_path / "x.png"
    Image.new("RGB", (16, 16), (120, 30, 30)).save(picture)
    there = runpy.run_path(str(shipped.folder / "load.py"))
    model = there["load"]()
    (ranked,) = there["classify"](model, [picture])
    pixels = torch.tensor(np.array(Image.open(picture))).permute(2, 0, 1)[None]
    logits = there["logits"](model, pixels)[0].numpy()
    wanted = sorted((1 / (1 + np.exp(-logits))).tolist(), reverse=True)
    assert [share for _, share in ranked] == pytest.approx(wanted, abs=1e-6)
