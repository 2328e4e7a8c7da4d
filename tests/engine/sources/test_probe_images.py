"""What `rank` takes from a run, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from distbench.engine.scores import score_task
from distbench.engine.workspace import Workspace
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.storage.home import home
from distbench.workflows.rank import rank_sources

TOYS = Path(__file__).parents[2] / "toys.py"
ASKED = {"plugin": (TOYS,), "zoo": "toy_zoo", "metric": ("knn", "logme"), "strategy": ("weighted",)}


def ranked(task: str = "toy_task", **more: Any) -> dict[str, dict[str, float]]:
    config = RunConfig.make(task=(task,), baseline=("none",), **ASKED, **more)
    return {r.metric: r.scores for r in rank_sources(config).rankings}


def embedded(
    task: str = "toy_task", sources: Sequence[str] = ("toy-0", "toy-1", "toy-2"), **more: Any
) -> Workspace:
    """What a run leaves behind before its first score."""
    config = RunConfig.make(task=(task,), student="toy_student", image_size=16, **ASKED, **more)
    work = Workspace(make_plan(config.model_copy(update={"baseline": ("none",)})))
    work.embed(work.plan.tasks[0], sources)
    return work


def stored(kind: str) -> set[str]:
    return {folder.name for folder in (home() / "artifacts" / kind).glob("*/[!.]*")}


@pytest.mark.parametrize("labelled", ["0.2", "5-per-class"])
def test_what_a_run_has_embedded_is_not_embedded_again(labelled: str) -> None:
    embedded()
    before = stored("embeddings")
    scores = ranked(labelled=labelled)
    assert stored("embeddings") == before
    assert not stored("probes"), "nor is an image decoded again"

    plan = embedded(labelled=labelled).plan
    for method in plan.methods:
        score = score_task(Workspace(plan), plan.tasks[0], method, 0).values
        assert scores[method.components["metric"]["use"]] == score, "to the last bit"


def test_sources_that_a_run_has_not_embedded_see_the_probe() -> None:
    alone = ranked()
    before = stored("embeddings")
    embedded(sources=["toy-0"])
    assert len(stored("embeddings")) == len(before) + 1
    together = ranked()
    for metric, scores in alone.items():
        assert together[metric] == pytest.approx(scores, rel=1e-4, abs=1e-6)


def test_positions_are_not_guessed_where_images_were_left_out() -> None:
    bad = "toy_task:corrupt=3"
    embedded(bad, skip_corrupt=True)
    assert not stored("probes")
    ranked(bad, skip_corrupt=True)
    assert stored("probes")


def test_a_cached_ranking_imports_no_torch() -> None:
    program = (
        "import sys; from distbench.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'timm', 'onnxruntime', 'matplotlib'} & {*sys.modules}\n"
        "assert not heavy, heavy"
    )
    ranked()
    asked = ["rank", "--task", "toy_task", "--zoo", "toy_zoo", "--plugin", str(TOYS)]
    for option, value in (("--metric", "logme"), ("--metric", "knn"), ("--strategy", "weighted")):
        asked += [option, value]
    command = [sys.executable, "-c", program, *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "toy-1" in done.stdout
