"""Which metric scores where nobody names one, and what is said of LogME with few labels a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from distbench import Part, TaskIndex
from distbench.cli import app
from distbench.interfaces.suite import Protocol
from distbench.planning.config import RunConfig
from distbench.planning.default_metric import images_a_class
from distbench.planning.planner import make_plan
from distbench.planning.resolve import ResolvedRun

TOYS = Path(__file__).parents[1] / "toys.py"
TOY: dict[str, Any] = {
    "task": ("toy_task",),
    "plugin": (TOYS,),
    "zoo": "toy_zoo",
    "student": "toy_student",
    "image_size": 16,
}


def run(**options: Any) -> ResolvedRun:
    return ResolvedRun(RunConfig.make(**{**TOY, **options}))


@pytest.mark.parametrize(
    ("options", "metric"),
    [
        ({"labelled": "2-per-class"}, "parc"),
        ({"labelled": "3-per-class"}, "parc"),
        ({"labelled": "4-per-class"}, "logme"),
        ({"labelled": "9-per-class", "probe_size": 6}, "parc"),
        ({"labelled": "2-per-class", "metric": "logme"}, "logme"),
        ({"labelled": "9-per-class", "metric": "knn"}, "knn"),
        ({"suite": "mini", "task": ()}, "logme"),
        ({"suite": "paper8", "labelled": 1.0}, "parc"),
    ],
)
def test_the_metric_where_none_is_named(options: dict[str, Any], metric: str) -> None:
    assert run(**options).metric_values == (metric,)


def test_what_is_said_once_for_a_run() -> None:
    methods = {"distiller": "pseudo_labels", "baseline": "none", "steps": 5, "batch": 8}
    plan = make_plan(run(labelled="2-per-class", **methods).config)
    assert plan.methods[0].id == "pseudo_labels/weighted/parc"
    assert plan.notes == (
        "the metric is parc, since toy_task has 2.0 labelled images a class to score, where logme "
        "can rank sources first that know nothing (docs/results/sources.md); --metric says "
        "otherwise",
    )
    assert plan.warnings == ()
    insisted = make_plan(run(labelled="2-per-class", metric=("logme", "knn"), **methods).config)
    assert insisted.notes == ()
    assert insisted.warnings == (
        "logme is not to be trusted here: toy_task has 2.0 labelled images a class to score, and "
        "it can rank sources first that know nothing (docs/results/sources.md); see what --metric "
        "parc says",
    )
    for quiet in ({"metric": "parc"}, {"metric": "all"}, {"distiller": "none"}):
        told = run(labelled="2-per-class", **quiet)
        assert not told.metric_remarks()[1]
    alone = make_plan(
        run(
            labelled="2-per-class", **{**methods, "distiller": "none", "baseline": "finetune"}
        ).config
    )
    assert (alone.notes, alone.warnings) == ((), ())


def test_rank_says_it() -> None:
    arguments = ["rank", "--task", "toy_task", "--plugin", str(TOYS), "--zoo", "toy_zoo"]
    arguments += ["--labelled", "2-per-class"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "note: toy_task: the metric is parc, since toy_task has 2.0" in done.stderr
    insisted = CliRunner().invoke(app, [*arguments, "--metric", "logme"])
    assert insisted.stderr.count("warning: logme is not to be trusted here") == 1


def test_images_a_class_are_those_of_the_probe() -> None:
    labels = np.repeat(np.arange(50), 20)
    part = Part(labels, tuple(map(str, range(1000))))
    index = TaskIndex(tuple(map(str, range(50))), {"train": part, "test": part}, "f")
    protocol = Protocol(validation=0, labelled=0.5)
    assert images_a_class(index, protocol) == 10
    assert images_a_class(index, protocol.model_copy(update={"probe_size": 125})) == 2.5
    assert images_a_class(index, protocol.model_copy(update={"probe_size": 20})) == 2
    missing = TaskIndex((*index.classes, "none"), index.parts, "f")
    assert images_a_class(missing, protocol) is None, "planning says what is wrong"
