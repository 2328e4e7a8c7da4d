"""Models of images and texts, on a tiny one that open_clip itself wrote here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench import Declined, TextHead, UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench.testing.run import check_all
from distbench_builtin.shared.methods.prompts import class_head, readable

open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed")

CONFIG = {
    "model_cfg": {
        "embed_dim": 12,
        "vision_cfg": {
            "image_size": 16,
            "layers": 1,
            "width": 32,
            "patch_size": 8,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": 12,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 1,
        },
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from safetensors.torch import save_file

    place = tmp_path_factory.mktemp("models") / "tiny-laion2b"
    place.mkdir()
    torch.manual_seed(0)
    model = open_clip.CLIP(**CONFIG["model_cfg"])
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()},
        place / "open_clip_model.safetensors",
    )
    (place / "open_clip_config.json").write_text(json.dumps(CONFIG))
    return place


def zoo_of(folder: Path) -> Any:
    return registry().make("zoo", f"open_clip:local-dir:{folder}")


def test_what_is_known_of_it(folder: Path) -> None:
    (source,) = zoo_of(folder).sources()
    info = source.info
    assert (info.name, info.num_classes, info.feature_dim, info.input_size) == (
        "tiny-laion2b",
        0,
        12,
        16,
    )
    assert info.reads_text and info.activation == "none" and info.trained_on == ("laion-2b",)
    assert info.mean == (0.5, 0.5, 0.5)
    tower = open_clip.create_model(f"local-dir:{folder}").visual
    assert info.parameters == sum(p.numel() for p in tower.parameters())
    assert info.macs and info.depth
    source.verify()


def test_images_and_sentences_are_those_of_the_model(folder: Path) -> None:
    (source,) = zoo_of(folder).sources()
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    images = torch.rand(3, 3, 16, 16)
    sentences = ["a photo of a cat.", "a photo of a dog."]
    features, logits = source.open(torch.device("cpu"))(images)
    assert logits.shape == (3, 0)
    with torch.no_grad():
        assert torch.allclose(features, model.encode_image(images), atol=1e-5)
        wanted, *_ = model.get_logits(
            images, open_clip.get_tokenizer(f"local-dir:{folder}")(sentences)
        )
    head = source.text_head(sentences)
    assert np.allclose(head.logits(features.numpy()), wanted, atol=1e-3)


def test_it_keeps_the_contract(folder: Path) -> None:
    found = list(check_all(f"zoo:open_clip:local-dir:{folder}"))
    wrong = [v for v in found if v.result == "failed" and v.check != "info"]
    assert wrong == []
    assert [v.result for v in found if v.check == "text"] == ["passed"]


def test_it_ranks_and_teaches_by_the_names_of_classes(
    folder: Path, toy_options: dict[str, Any]
) -> None:
    given = {**toy_options, "task": "toy_task", "zoo": f"open_clip:local-dir:{folder}"}
    ranking = distbench.rank(metric="zero_shot", **{**given, "name": None})
    assert 0 <= ranking.scores["tiny-laion2b"] <= 100
    made = distbench.run(
        metric="zero_shot", strategy="nearest", distiller="zero_shot", baseline="none", **given
    )
    assert [row.reason for row in made.rows] == [None]
    assert made.rows[0].result.sources.scores == pytest.approx(ranking.scores)


def test_sources_that_read_nothing_are_left_out(toy_options: dict[str, Any]) -> None:
    made = distbench.run(
        strategy="equal",
        distiller="zero_shot",
        baseline="none",
        **{**toy_options, "task": "toy_task"},
    )
    (row,) = made.rows
    assert row.status == "declined"
    assert "reads no texts" in str(row.reason)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("open_clip:nothing*", "'nothing*' is none of timm/vit_base"),
        ("open_clip:local-dir:/nowhere", "/nowhere holds no model of open_clip"),
        ("open_clip:*openai*", "not on this machine; get them with `distbench fetch --zoo"),
    ],
)
def test_what_is_not_there_is_refused(spec: str, said: str) -> None:
    with pytest.raises((UsageError, WeightsError)) as caught:
        registry().make("zoo", spec).sources()
    assert said in str(caught.value)


def test_a_configuration_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "open_clip_model.safetensors").write_bytes(b"no weights")
    (other / "open_clip_config.json").write_text("{}")
    with pytest.raises(WeightsError, match="is no configuration of open_clip with model_cfg"):
        zoo_of(other).sources()
    (other / "open_clip_config.json").write_text(json.dumps(CONFIG))
    (source,) = zoo_of(other).sources()
    with pytest.raises(WeightsError, match="open_clip cannot load"):
        source.open(torch.device("cpu"))


def test_a_classifier_is_the_mean_of_its_sentences() -> None:
    drawn = {
        "a cat": [1.0, 0.0],
        "the cat": [0.0, 1.0],
        "a black dog": [0.6, 0.8],
        "the black dog": [0.6, 0.8],
    }

    def read(texts: Any) -> TextHead:
        return TextHead(np.array([drawn[t] for t in texts], np.float32), scale=10.0, bias=-1.0)

    head = class_head(["cat", "black_dog"], ["a {}", "the {}"], read)
    assert head.texts == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0.6, 0.8]]))
    assert head.logits(np.array([[3.0, 4.0]])) == pytest.approx(
        np.array([[10 * (0.6 + 0.8) * 0.5**0.5 - 1, 9.0]]), rel=1e-5
    )


def test_names_that_cannot_be_read_are_declined() -> None:
    assert readable(["black_footed albatross", "a__b"]) == ["black footed albatross", "a b"]
    with pytest.raises(Declined, match="class '17' has no name that a text model could read"):
        readable(["cat", "17"])
    with pytest.raises(Declined, match=r"has no \{\} where the class is named"):
        class_head(["cat"], ["a photo"], lambda texts: TextHead(np.ones((1, 2), np.float32)))
