"""Metrics that see more than a probe: the task's context, the pixels, the source itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distbench
from distbench.errors import ArgumentError, Declined
from distbench.interfaces.probe import Probe

PLUGIN = """
import numpy as np
import torch
from distbench import Metric


class Around(Metric):
    '''Unlabelled and validation images, class names and labels, as one number; ours.'''

    needs = frozenset({"context"})

    def score(self, probe):
        context = probe.context
        own = context.embedding(probe.source.name)
        assert context.classes == ("a", "b", "c")
        assert (context.labels[probe.positions] == probe.labels.ids).all()
        assert len(context.unlabelled) > len(context.labelled) and len(context.validation)
        assert (context.labels[context.validation] >= 0).all()
        hidden = np.setdiff1d(context.unlabelled, context.labelled)
        assert (context.labels[hidden] == -1).all()
        seen = own.features[context.unlabelled].mean() + own.logits[context.validation].mean()
        return float(seen)


class Pixels(Metric):
    '''Brightness of the probe, the same for all sources; ours.'''

    needs = frozenset({"images"})

    def score(self, probe):
        assert probe.images.dtype == np.uint8 and not probe.images.flags.writeable
        assert probe.images.shape == (len(probe.labels), 16, 16, 3)
        return float(probe.images.mean())


class Steepness(Metric):
    '''Norm of a gradient at the source's kernels, with its outputs held against the cache; ours.'''

    needs = frozenset({"logits", "features", "images", "module"})

    def score(self, probe):
        network = probe.module()
        images = torch.from_numpy(probe.images.copy()).permute(0, 3, 1, 2) / 255
        given = network(images, layers=("stem",))
        assert np.allclose(given.logits.detach(), probe.logits, atol=0.05)
        assert np.allclose(given.features.detach(), probe.features, atol=0.05)
        assert given.layers["stem"].shape[1:] == (8, 12, 12)
        given.logits.square().mean().backward()
        return float(network.network.stem.weight.grad.norm())
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    file = tmp_path / "around.py"
    file.write_text(PLUGIN)
    return file


@pytest.mark.parametrize("metric", ["around", "pixels", "steepness"])
def test_a_run_and_rank_show_a_metric_the_same(
    metric: str, plugin: Path, toy_options: dict[str, Any]
) -> None:
    given = {**toy_options, "plugin": (*toy_options["plugin"], plugin), "task": "toy_task"}
    ranking = distbench.rank(metric=metric, strategy="nearest", **{**given, "name": None})
    methods = {"distiller": "pseudo_labels", "baseline": "none"}
    run = distbench.run(metric=metric, strategy="nearest", **methods, **given)
    (row,) = run.rows
    assert row.status == "done", row.reason
    scores = row.result.sources.scores
    assert scores == pytest.approx(ranking.scores)
    assert len(scores) == 3
    assert (len(set(scores.values())) == 1) == (metric == "pixels")


def test_what_was_not_asked_for_is_not_there() -> None:
    probe = Probe([0, 1], features=[[1.0], [2.0]])
    for name in ("context", "positions", "images"):
        with pytest.raises(Declined, match="which this source does not offer"):
            getattr(probe, name)
    with pytest.raises(Declined, match="needs a torch module"):
        probe.module()


@pytest.mark.parametrize(
    ("metric", "need"), [("around", "context"), ("pixels", "images"), ("steepness", "images")]
)
def test_arrays_have_no_task(metric: str, need: str, plugin: Path) -> None:
    from distbench.plugins.registry import registry

    made = registry((plugin,)).make("metric", metric)
    with pytest.raises(ArgumentError, match=f"needs the {need} of a task, which arrays have not"):
        distbench.score(made, features=np.eye(4), labels=[0, 1, 0, 1], probabilities=np.eye(4))


def test_scores_that_see_class_names_know_them(plugin: Path, toy_options: dict[str, Any]) -> None:
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan

    def score_key(metric: str, classes: int, steps: int) -> str:
        given = {**toy_options, "plugin": (*toy_options["plugin"], plugin), "steps": steps}
        task = f"toy_task:classes={classes}"
        made = make_plan(
            RunConfig.make(
                **{**given, "task": task}, metric=metric, strategy="nearest", baseline="none"
            )
        )
        (key,) = (job.key for job in made.jobs if job.stage == "score")
        return key

    assert score_key("around", 3, 4) != score_key("around", 3, 5), "the context tells the steps"
    assert score_key("pixels", 3, 4) == score_key("pixels", 3, 5)
