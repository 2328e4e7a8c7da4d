"""Sources that are trained: what is cut off, how teachers are trained, what runs online."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from distbench import SourceInfo, TeacherRecipe, TrainingSetting
from distbench.engine.training.teacher import SourceBackbone, TeacherTrainer, source_model
from distbench.errors import Declined
from distbench.plugins.registry import registry

_spec = importlib.util.spec_from_file_location(
    "toy_teachers", Path(__file__).parents[2] / "toy_teachers.py"
)
assert _spec is not None and _spec.loader is not None
toy_teachers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy_teachers)

CPU = torch.device("cpu")


def info(width: int, classes: int = 3, side: int = 8) -> SourceInfo:
    return SourceInfo(
        name="s",
        architecture="x",
        num_classes=classes,
        feature_dim=width,
        input_size=side,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        activation="softmax" if classes else "none",
        fingerprint="s",
    )


class Convolutional(nn.Module):
    """Its classifier is a 1x1 convolution, defined before what comes before it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(5, 3, 1)
        self.body = nn.Conv2d(3, 5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3), keepdim=True)).flatten(1)


class Attentive(nn.Module):
    """Inner layers are linear and as wide as the features, as in a transformer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 5)
        self.inner = nn.Sequential(nn.Linear(5, 5), nn.GELU(), nn.Linear(5, 5))
        self.head = nn.Linear(5, classes) if classes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.inner(self.stem(x.flatten(2).transpose(1, 2)))
        return self.head(tokens.mean(1))


class Odd(nn.Module):
    """What its last layer says is changed afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.mean((2, 3))) * 2


@pytest.mark.parametrize(
    ("module", "facts", "head"),
    [
        (Convolutional(), info(5), "head"),
        (Attentive(3), info(5), "head"),
        (Attentive(0), info(5, classes=0), None),
    ],
)
def test_features_are_what_the_last_layer_takes(
    module: nn.Module, facts: SourceInfo, head: str | None
) -> None:
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    said = module.eval()(images)
    last = getattr(module, head) if head else nn.Identity()
    backbone = SourceBackbone(module, facts)
    found = backbone(images)
    assert found.shape == (2, 5)
    again = (
        last(found[:, :, None, None]).flatten(1)
        if head == "head" and isinstance(last, nn.Conv2d)
        else last(found)
    )
    assert torch.allclose(again, said, atol=1e-6)
    # the old classifier is neither trained nor counted
    assert not any(p is q for p in backbone.parameters() for q in last.parameters())


def test_what_cannot_be_cut_is_declined() -> None:
    for module, facts in ((Odd(), info(3)), (Attentive(3), info(7))):
        with pytest.raises(Declined, match="'s' cannot be trained: its last layer is not linear"):
            SourceBackbone(module, facts)


class TwoHeaded(nn.Module):
    """Its logits are the mean of two heads, as of networks distilled with a token of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.one, self.other = nn.Linear(3, 5), nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.body(x.mean((2, 3)))
        return (self.one(features) + self.other(features)) / 2


def test_a_source_of_two_heads_is_declined() -> None:
    with pytest.raises(Declined, match="cannot be trained: its last layer is not linear"):
        SourceBackbone(TwoHeaded(), info(5))


@pytest.mark.parametrize("name", ["birds-res", "land-dw", "objects-plain", "skin-fast"])
def test_embedded_sources_have_the_features_of_their_embedding(name: str) -> None:
    zoo: Any = registry().make("zoo", "mini")
    known = {s.info.name: s for s in zoo.sources()}
    if name not in known:
        name = next(n for n in known if n.endswith(name.split("-")[1]))
    source = known[name]
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features, _ = source.open(torch.device("cpu"))(images)
    assert torch.equal(SourceBackbone(source.module(), source.info).eval()(images), features)


def test_a_new_classifier_follows_from_the_seed() -> None:
    source = toy_teachers.TeacherZoo().sources()[2]
    one, same, other = (source_model(source, 3, seed, CPU) for seed in (1, 1, 2))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert torch.equal(one.backbone.module[0].weight, other.backbone.module[0].weight)
    with pytest.raises(Declined, match="source 'fixed-0' cannot be trained: it has no torch"):
        source_model(toy_teachers.TeacherZoo().sources()[0], 3, 0, CPU)


def trainer(classes: int = 2, **more: Any) -> TeacherTrainer:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 120, (8, 16, 16, 3)).astype(np.uint8)
    images[1::2] += 100
    transfer = rng.integers(0, 255, (5, 16, 16, 3)).astype(np.uint8)
    setting = TrainingSetting(images, 16, torch.device("cpu"), "fp32", 0, transfer)
    labels = np.array([0, 1, 0, 1, -1, -1, -1, -1]) % (classes + 1)
    labels[4:] = -1
    return TeacherTrainer(setting, np.arange(4), labels, classes, seed=0, **more)


def test_a_linear_classifier_learns_standardised_features() -> None:
    from sklearn.linear_model import LogisticRegression

    features = np.array([[0, 100], [4, 100], [1, 100], [3, 100], [0, 7], [4, 7], [2, 7], [9, 7]])
    logits = trainer().train(
        toy_teachers.TeacherZoo().sources()[0],
        TeacherRecipe(strength=0.5),
        features.astype(np.float32),
        features[:3].astype(np.float32) + 1,
    )
    spread = np.sqrt(2.5)  # of 0, 4, 1, 3; the second feature does not vary
    inputs = np.stack([(features[:, 0] - 2) / spread, features[:, 1] - 100], axis=1)
    model = LogisticRegression(C=0.5, tol=1e-8).fit(inputs[:4], [0, 1, 0, 1])
    exps = np.exp(logits.train)
    expected = model.predict_proba(inputs)
    assert exps / exps.sum(1, keepdims=True) == pytest.approx(expected, abs=1e-4)
    assert logits.transfer is not None
    assert logits.transfer.shape == (3, 2)
    assert (logits.steps, logits.macs) == (0, 0)


def test_a_source_is_fine_tuned_as_a_whole_and_run_where_it_is_used() -> None:
    source = toy_teachers.TeacherZoo().sources()[2]
    before = torch.random.get_rng_state()
    chosen = np.array([1, 4])
    logits = trainer(chosen=chosen).train(
        source, TeacherRecipe(fine_tune=True, steps=30, batch=4, lr=0.05), np.empty(0), np.empty(0)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert logits.train.shape == (8, 2)
    assert logits.train[:4].argmax(1).tolist() == [0, 1, 0, 1]
    assert logits.transfer is not None
    assert np.isfinite(logits.transfer).all(axis=1).tolist() == [False, True, False, False, True]
    own = 3 * 8 * 25 * 12 * 12 + 8 * 8 + 8 * 2
    assert (logits.steps, logits.macs) == (30, own * (3 * 30 * 4 + 8 + 2))
    again = trainer(chosen=chosen).train(
        source, TeacherRecipe(fine_tune=True, steps=30, batch=4, lr=0.05), np.empty(0), np.empty(0)
    )
    assert np.array_equal(again.train, logits.train)


def test_a_source_online_says_of_a_plain_image_what_its_embedding_says(
    toy_options: dict[str, Any],
) -> None:
    from distbench.engine.method_runner import Trainer
    from distbench.engine.training.batches import to_batch
    from distbench.engine.workspace import Workspace
    from distbench.interfaces.context import WeightedSource
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan

    config = RunConfig.make(**{**toy_options, "task": "toy_task"})
    work = Workspace(make_plan(config))
    trainer = Trainer(work, work.plan.tasks[0], 0)
    info = work.plan.sources[0]
    embedding = trainer.context.embedding(info.name)
    run = trainer._run(WeightedSource(info, 1.0, embedding))
    images = to_batch(trainer.setting.images[:6], 16, torch.device("cpu"))
    found = run(images).numpy()
    assert found == pytest.approx(np.asarray(embedding.logits[:6], np.float32), abs=2e-2)
    assert trainer.shown == {info.name: 6}
