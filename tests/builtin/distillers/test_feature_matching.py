from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distbench import Declined, UsageError
from distbench.interfaces.context import TransferSet
from distbench.interfaces.layers import NetworkOutputs
from distbench.plugins.registry import registry
from distbench_builtin.shared.methods.contrast_memory import ContrastMemory
from distbench_builtin.shared.methods.feature_losses import (
    attention_loss,
    hint_loss,
    relational_loss,
)

FEATURES = {"s0": [[1.0, 5.0, 2.0]] * 5, "s1": [[0.0, 5.0, 1.0]] * 5}
WEIGHTS = {"s0": 0.75, "s1": 0.25}


def with_sources(teachers: Any, context: Any, **more: Any) -> Any:
    sources = [teachers.source(n, WEIGHTS[n], [[0.0]] * 5, x) for n, x in FEATURES.items()]
    return replace(teachers.learning_from(context, *sources), **more)


def test_relations_of_several_sources_are_weighted(
    teachers: Any, method_context: Any, transparent: Any, batch_of: Any
) -> None:
    method: Any = registry().make("distiller", "feature_matching:angle=3,ratio=3")
    distil, finetune = method.phases(with_sources(teachers, method_context))
    assert (distil.name, distil.steps, finetune.name, finetune.steps) == (
        "distil",
        3,
        "finetune",
        2,
    )
    assert not distil.modules and distil.streams["unlabelled"].batch == 6
    assert set(distil.streams["unlabelled"].targets) == {"s0", "s1"}
    draw = np.random.default_rng(0)
    mine, one, other = (draw.normal(size=(4, d)).tolist() for d in (2, 3, 3))
    batch = teachers.with_targets(batch_of(mine), s0=one, s1=other)
    found = distil.loss(transparent, {"unlabelled": batch})
    given = [torch.tensor(x) for x in (mine, one, other)]
    wanted = 0.75 * relational_loss(given[0], given[1], 3) + 0.25 * relational_loss(
        given[0], given[2], 3
    )
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_contrast_goes_by_the_images_of_both_pools(
    teachers: Any,
    method_context: Any,
    transparent: Any,
    batch_of: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    def loss(self: Any, mine: Any, theirs: Any, images: Any) -> Any:
        seen.append(
            (len(self._memories[0]), tuple(mine.shape), tuple(theirs.shape), images.tolist())
        )
        return mine.sum() * 0 + len(seen)

    monkeypatch.setattr(ContrastMemory, "loss", loss)
    folder = teachers.a_folder(tmp_path / "x")
    text = f'feature_matching:loss=crd,width=7,transfer="images:path={folder}",own=true'
    method: Any = registry().make("distiller", text)
    there = teachers.source("s0", 1.0, [[0.0]] * 4, [[1.0, 2.0, 3.0]] * 4)
    transfer = TransferSet(np.array([0, 2, 3]), lambda name: there.embedding)
    distil, _ = method.phases(with_sources(teachers, method_context, transfer=transfer))
    assert list(distil.streams) == ["unlabelled", "transfer"]
    rows = {"s0": [[1.0, 2.0, 3.0]], "s1": [[0.0, 2.0, 3.0]]}
    batch = {
        "unlabelled": teachers.with_targets(batch_of([[1.0, 0.0]], positions=[3]), **rows),
        "transfer": teachers.with_targets(batch_of([[0.0, 1.0]], positions=[2]), **rows),
    }
    found = distil.loss(transparent, batch).detach()
    # Images 0 .. 3 of the task and 0, 2, 3 of the set are, in turn, t0 s0 t1 t2 s2 t3 s3.
    assert seen == [(7, (2, 7), (2, 7), [5, 4])] * 2
    assert float(found) == pytest.approx(0.75 * 1 + 0.25 * 2)
    sizes = [tuple(m.weight.shape) for pair in distil.modules.values() for m in pair]
    assert sizes == [(7, 2), (7, 3)] * 2


class Layered(torch.nn.Module):
    """Gives one layer: the image as a map of one channel, 2 x 2."""

    def outputs(self, images: torch.Tensor, layers: Any) -> NetworkOutputs:
        maps = images.reshape(len(images), 1, 2, 2)
        return NetworkOutputs(
            images, images, {name: (i + 1) * maps for i, name in enumerate(layers)}
        )


SHAPES = {("mine", None): (1, 2, 2), ("deep", None): (1, 2, 2), ("tokens", None): (5, 3)}


def by_layers(teachers: Any, context: Any, text: str) -> Any:
    def run(source: Any, layers: Any) -> Any:
        factor = 1.0 if source.info.name == "s0" else -3.0
        bias = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 0.0]]])

        def forward(images: torch.Tensor) -> NetworkOutputs:
            maps = factor * images.reshape(len(images), 1, 2, 2) + bias
            return NetworkOutputs(images, images, dict.fromkeys(layers, maps))

        return forward

    def layer_shape(name: str, source: Any = None) -> tuple[int, ...]:
        return (2, 2, 2) if source is not None else SHAPES[name, None]

    method: Any = registry().make("distiller", text)
    given = with_sources(teachers, context, run=run, layer_shape=layer_shape)
    return method.phases(given)[0], given


@pytest.mark.parametrize("loss", ["fitnets", "attention"])
def test_layers_of_several_sources_are_weighted(
    teachers: Any, method_context: Any, batch_of: Any, loss: str
) -> None:
    text = f"feature_matching:loss={loss},layers=a+b,student_layers=mine+deep"
    distil, given = by_layers(teachers, method_context, text)
    assert distil.streams["unlabelled"].targets == {}
    shown = batch_of([[1.0, 2.0, 0.5, 1.0], [0.0, 1.0, 3.0, 1.0]])
    images = shown.views["weak"]
    found = distil.loss(Layered(), {"unlabelled": shown}).detach()
    wanted = 0.0
    for number, source in enumerate(given.sources):
        theirs = given.run(source, ("a", "b"))(images).layers
        mine = Layered().outputs(images, ("mine", "deep")).layers
        for i, (own, layer) in enumerate((("mine", "a"), ("deep", "b"))):
            if loss == "attention":
                value = attention_loss(mine[own], theirs[layer])
            else:
                value = hint_loss(distil.modules[f"regressor{number}"][i](mine[own]), theirs[layer])
            wanted += source.weight * float(value.detach())
    assert float(found) == pytest.approx(wanted, rel=1e-5)
    assert len(distil.modules) == (2 if loss == "fitnets" else 0)


def test_what_is_no_map_is_declined(teachers: Any, method_context: Any) -> None:
    text = "feature_matching:loss=attention,layers=a,student_layers=tokens"
    with pytest.raises(Declined, match=r"layer 'tokens' of the student has the shape \(5, 3\)"):
        by_layers(teachers, method_context, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss=attention", "there are 0 of the sources and 0 of the student"),
        (
            "loss=fitnets,layers=a+b,student_layers=c",
            "there are 2 of the sources and 1 of the student",
        ),
        (
            "loss=rkd,layers=a,student_layers=b",
            "loss=rkd goes by pooled features: leave layers out",
        ),
    ],
)
def test_layers_are_asked_for_where_they_are_matched(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        registry().make("distiller", f"feature_matching:{text}")


def test_one_image_cannot_be_told_from_others(teachers: Any, method_context: Any) -> None:
    given = with_sources(teachers, method_context, unlabelled=np.array([0]))
    method: Any = registry().make("distiller", "feature_matching:loss=crd")
    with pytest.raises(Declined, match="one image"):
        method.phases(given)


@pytest.mark.parametrize(
    "settings",
    ["loss=rkd", "loss=crd,negatives=9", "loss=attention,layers=0,student_layers=stem"],
)
def test_it_learns_from_toys(teachers: Any, toy_options: dict[str, Any], settings: str) -> None:
    row = teachers.only(teachers.run(toy_options, f"feature_matching:{settings}"))
    assert [p["name"] for p in row.result.declared["phases"]] == ["distil", "finetune"]
    assert row.result.sources.weights["small-2"] == 1
