"""Sources in effect, and when a warning says that the worst source decides them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from typer.testing import CliRunner

from distbench import SourceInfo
from distbench.cli import app
from distbench.engine.stages.score import Scores
from distbench.engine.stages.weigh import weigh
from distbench.planning.plan import Plan
from distbench.plugins.registry import registry
from distbench.storage.rows import Row
from distbench.workflows.flat_scale import flattened, in_effect, of_rows

TOYS = Path(__file__).parents[1] / "toys.py"
SOUND = np.linspace(0.2, 0.5, 27) ** 3


MINMAX = "weighted:normalise=minmax"


def info(name: str) -> SourceInfo:
    return SourceInfo(
        name=name,
        architecture="toy",
        num_classes=3,
        feature_dim=4,
        input_size=8,
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        fingerprint=name,
    )


def warning(spec: str, values: np.ndarray) -> str | None:
    strategy = registry().make("strategy", spec)
    scores = {f"s{i}": float(score) for i, score in enumerate(values)}
    infos = [info(name) for name in scores]
    weights = weigh(strategy, infos, Scores(values=scores, excluded={}))
    return flattened(strategy, infos, scores, weights)


def test_a_broken_source_is_warned_of_where_scores_are_stretched_by_it() -> None:
    broken = np.append(SOUND, -1e3)
    text = warning(MINMAX, broken)
    assert text is not None
    assert text.startswith(f"{MINMAX} gives weight to 27.0 sources in effect, ")
    assert " without s27, whose score of -1000 is so far below the others" in text
    assert warning("softmax:normalise=minmax", broken) is not None


@pytest.mark.parametrize(
    "spec", ["nearest", "equal", "top", "weighted", "softmax", "weighted:normalise=median"]
)
def test_it_is_not_where_it_changes_nothing(spec: str) -> None:
    assert warning(spec, np.append(SOUND, -1e3)) is None


@pytest.mark.parametrize("spec", ["weighted", MINMAX, "weighted:1:normalise=minmax", "softmax"])
@pytest.mark.parametrize(
    "values", [SOUND, SOUND[:4], np.array([0.1, 0.3]), np.array([0.5, 0.5, 0.5]), np.array([2.0])]
)
def test_sound_sources_are_not_warned_of(spec: str, values: np.ndarray) -> None:
    assert warning(spec, values) is None


def test_scores_drawn_at_random_are_not_warned_of() -> None:
    rng = np.random.default_rng(0)
    drawn = [warning(MINMAX, rng.normal(size=28)) for _ in range(200)]
    assert sum(text is not None for text in drawn) <= 4


def test_a_run_warns_once_for_each_method_and_task() -> None:
    scores = {f"s{i}": float(score) for i, score in enumerate(np.append(SOUND, -1e3))}
    infos = [info(name) for name in scores]
    weights = weigh(registry().make("strategy", MINMAX), infos, Scores(scores, {}))
    method = SimpleNamespace(id="m", components={"strategy": {"use": MINMAX}})
    plan = cast(Plan, SimpleNamespace(sources=infos, method=lambda _: method))

    def row(weights: dict[str, float]) -> Row:
        sources = SimpleNamespace(scores=scores, weights=weights)
        parts = {"method": method, "task": SimpleNamespace(id="t")}
        return cast(Row, SimpleNamespace(result=SimpleNamespace(sources=sources), **parts))

    (line,) = of_rows(plan, [row(weights), row(weights)], registry())
    assert line.startswith(f"m on t: {MINMAX} gives weight to 27.0 sources in effect, ")
    learnt = dict.fromkeys(weights, 1 / len(weights))
    assert not [*of_rows(plan, [row(learnt)], registry())], "weights that scores do not explain"


def test_in_effect() -> None:
    assert in_effect({"a": 1.0, "b": 0.0}) == 1
    assert in_effect({"a": 0.25, "b": 0.25, "c": 0.5}) == pytest.approx(1 / 0.375)


def test_rank_and_run_say_how_many_are_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toys = ["--task", "toy_task", "--plugin", str(TOYS), "--zoo", "toy_zoo"]
    toys += ["--strategy", "equal", "--metric", "knn"]
    arguments = ["rank", *toys]
    shown = CliRunner().invoke(app, arguments)
    assert "Sources in effect with equal, 1 / sum of squared weights: 3.0 of 3." in shown.stdout
    ranked = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert ranked["sources_in_effect"] == pytest.approx(3)
    both = CliRunner().invoke(app, [*arguments, "--metric", "ridge_loo"])
    assert "weights: knn 3.0 of 3, ridge_loo 3.0 of 3." in both.stdout
