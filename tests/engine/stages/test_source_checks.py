"""A source whose numbers would be wrong is refused at its first batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from distbench import Source, SourceInfo, WeightsError
from distbench.engine.stages.embed import Order, embed_many
from distbench.engine.stages.source_checks import check_source, checked_outputs

WEIGHT = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
HEAD = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))


def info(**changed: Any) -> SourceInfo:
    facts = {"name": "s", "architecture": "x", "num_classes": 4, "feature_dim": 6}
    facts |= {"input_size": 8, "mean": (0, 0, 0), "std": (1, 1, 1), "fingerprint": "s"}
    return SourceInfo.model_validate(facts | changed)


def honest(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    features = images.mean((2, 3)) @ WEIGHT.T
    return features, features @ HEAD.T


def softmaxed(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features, logits.softmax(1)


def in_percent(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features, 100 * logits.softmax(1)


def of_zeros(images: torch.Tensor) -> Any:
    return honest(torch.zeros_like(images))


def sigmoided(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features, logits.sigmoid()


def cut_off(images: torch.Tensor) -> Any:
    """A softmax without its first class."""
    features, logits = honest(images)
    whole = torch.cat([logits[:, :1] - 1, logits * 9], 1)
    return features, whole.softmax(1)[:, 1:]


def saturated(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features, (logits * 40 - 20 * HEAD.sum(1) * WEIGHT.sum() / 6).sigmoid()


def batch_normalised(images: torch.Tensor) -> Any:
    features, _ = honest(images)
    features = (features - features.mean(0)) / (features.std(0, unbiased=False) + 1e-5)
    return features, features @ HEAD.T


def dropped_out(images: torch.Tensor) -> Any:
    features = torch.nn.functional.dropout(honest(images)[0], 0.5)
    return features, features @ HEAD.T


def scrambled(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features.T.reshape(len(images), -1), logits


def only_logits_depend(images: torch.Tensor) -> Any:
    features, logits = honest(images)
    return features, logits - logits.mean(0)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (
            softmaxed,
            "gives probabilities where logits are meant; take its last softmax or sigmoid away",
        ),
        (in_percent, "gives probabilities where logits are meant"),
        (of_zeros, "gives all of 20 images the same features"),
        (batch_normalised, "the features of an image depend on the others of its batch"),
        (dropped_out, "the features of an image depend on the others of its batch"),
        (scrambled, "the features of an image depend on the others of its batch"),
        (only_logits_depend, "the logits of an image depend on the others of its batch"),
    ],
)
def test_what_is_refused(forward: Any, message: str) -> None:
    images = torch.rand(20, 3, 8, 8)
    with pytest.raises(WeightsError, match=message):
        check_source(info(), forward, images, checked_outputs(info(), forward, images))


def test_sigmoid_twice_is_refused() -> None:
    images, facts = torch.rand(20, 3, 8, 8), info(activation="sigmoid")
    with pytest.raises(WeightsError, match="take its last softmax or sigmoid away"):
        check_source(facts, saturated, images, saturated(images))
    # Logits of a weak network may lie in 0..1 too, but do not fill it.
    check_source(facts, sigmoided, images, sigmoided(images))
    check_source(facts, honest, images, honest(images))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_an_honest_source_passes(activation: str) -> None:
    images = torch.rand(20, 3, 8, 8)
    check_source(info(activation=activation), honest, images, honest(images))
    check_source(info(), honest, images[:1], honest(images[:1]))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (torch.zeros(2, 6), "gives <class 'torch.Tensor'>; two tensors are wanted"),
        ((torch.zeros(2, 6),) * 3, "gives tuple of Tensor, Tensor, Tensor; two tensors"),
        ((torch.zeros(2, 6), None), "gives tuple of Tensor, NoneType; two tensors"),
        ((torch.zeros(2, 5, 6), torch.zeros(2, 4)), r"features of shape \(2, 5, 6\) for 2 images"),
        ((torch.zeros(2, 6), torch.zeros(4, 2)), r"logits of shape \(4, 2\) for 2 images"),
        ((torch.zeros(2, 6, 1, 1), torch.zeros(2, 4)), "feature_dim = 6 means"),
        ((torch.zeros(2, 6), torch.zeros(2, 4).long()), "gives logits of torch.int64; give float"),
    ],
)
def test_other_outputs_are_named(outputs: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        checked_outputs(info(), lambda _: outputs, torch.zeros(2, 3, 8, 8))


def test_embedding_tries_each_source_once(tmp_path: Path) -> None:
    seen: list[int] = []

    class Counted(Source):
        info = info()

        def verify(self) -> None: ...

        def open(self, device: torch.device) -> Any:
            def forward(images: torch.Tensor) -> Any:
                seen.append(len(images))
                return honest(images)

            return forward

    images = np.random.default_rng(0).integers(0, 255, (300, 8, 8, 3), dtype=np.uint8)
    embed_many([Order(Counted(), tmp_path)], images, torch.device("cpu"))
    assert seen == [128, 1, 2, 128, 44, 1, 2]


def test_a_source_that_uses_its_memory_again(tmp_path: Path) -> None:
    class Reusing(Source):
        info = info()

        def verify(self) -> None: ...

        def open(self, device: torch.device) -> Any:
            memory = torch.empty(128, 6), torch.empty(128, 4)

            def forward(images: torch.Tensor) -> Any:
                for buffer, output in zip(memory, honest(images), strict=True):
                    buffer[: len(images)] = output
                return tuple(buffer[: len(images)] for buffer in memory)

            return forward

    images = np.random.default_rng(0).integers(0, 255, (2000, 8, 8, 3), dtype=np.uint8)
    embed_many([Order(Reusing(), tmp_path)], images, torch.device("cpu"))
    wanted = honest(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)[0]
    assert np.allclose(np.load(tmp_path / "features.npy"), wanted, atol=1e-5)

    def dependent(images: torch.Tensor) -> Any:
        memory[: len(images)] = batch_normalised(images)[0]
        return memory[: len(images)], honest(images)[1]

    memory, batch = torch.empty(20, 6), torch.rand(20, 3, 8, 8)
    with pytest.raises(WeightsError, match="the features of an image depend on the others"):
        check_source(info(), dependent, batch, checked_outputs(info(), dependent, batch))


def test_a_source_that_is_wrong_later_on(tmp_path: Path) -> None:
    class Remembering(Source):
        info = info()

        def verify(self) -> None: ...

        def open(self, device: torch.device) -> Any:
            first: list[Any] = []

            def forward(images: torch.Tensor) -> Any:
                """As of a hook that keeps what it saw, by the size of a batch."""
                if len(images) == 128:
                    first.append(honest(images))
                    return first[0]
                return honest(images)

            return forward

    images = np.random.default_rng(0).integers(0, 255, (256, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(WeightsError, match="differ from pass to pass"):
        embed_many([Order(Remembering(), tmp_path)], images, torch.device("cpu"))


def test_images_that_are_alike_may_have_the_same_features() -> None:
    images = torch.rand(1, 3, 8, 8).expand(20, -1, -1, -1)
    check_source(info(), honest, images, honest(images))
    check_source(info(), of_zeros, torch.rand(7, 3, 8, 8), of_zeros(torch.rand(7, 3, 8, 8)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mean": (127.5, 127.5, 127.5)}, "less than or equal to 1"),
        ({"mean": (-0.1, 0, 0)}, "greater than or equal to 0"),
        ({"mean": (float("nan"), 0, 0)}, "less than or equal to 1"),
        ({"std": (58.4, 57.1, 57.4)}, "less than or equal to 1"),
        ({"std": (0, 1, 1)}, "greater than 0"),
        ({"num_classes": 1}, "softmax over one class is always 1"),
        ({"mean": None}, "mean"),
    ],
)
def test_facts_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        info(**changed)
    assert info(num_classes=1, activation="sigmoid").num_classes == 1


def test_facts_that_came_later_leave_digests_alone() -> None:
    assert "interpolation" not in info().model_dump()
    assert info(interpolation="bicubic").model_dump()["interpolation"] == "bicubic"
    read = SourceInfo.model_validate_json(info(interpolation="bicubic").model_dump_json())
    assert read.interpolation == "bicubic"
