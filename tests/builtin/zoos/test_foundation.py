"""Foundation models: features alone, declined with a reason where classes are needed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from distbench import SourceInfo, UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.zoos import foundation
from distbench_builtin.zoos.foundation import CURATED, FoundationZoo

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")
huggingface_hub = pytest.importorskip("huggingface_hub")

_spec = importlib.util.spec_from_file_location(
    "hub_cache", Path(__file__).with_name("hub_cache.py")
)
hub_cache = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hub_cache)

CPU = torch.device("cpu")
TOYS = Path(__file__).parents[2] / "toys.py"


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """No network, and an empty cache."""
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_the_list_is_known_to_timm():
    known = timm.list_pretrained()
    assert [name for name in CURATED if name not in known] == []
    names = [need.repository for need in FoundationZoo().downloads()]
    assert names == [f"timm/{name}" for name in CURATED]


def test_patterns():
    dino = FoundationZoo(models=("*dinov2*", "*clip*openai"))._names()
    assert dino == [CURATED[0], CURATED[1], "vit_base_patch16_clip_224.openai"]
    assert FoundationZoo(models=("test_vit",))._names() == ["test_vit"]
    with pytest.raises(UsageError, match=r"'\*dinov9\*' matches none of vit_small_patch14_dinov2"):
        FoundationZoo(models=("*dinov9*",))._names()
    made = registry().make("zoo", "foundation:*siglip*:image_size=none")
    assert (made.models, made.image_size) == (("*siglip*",), None)
    with pytest.raises(WeightsError, match=r"fetch --zoo 'foundation:\*dinov2\*' --only zoo"):
        FoundationZoo(models=("*dinov2*",)).named("foundation").sources()


@pytest.mark.slow
def test_sources_without_classes(hub):
    hub_cache.registry_model(hub, "test_vit.r160_in1k")
    (source,) = FoundationZoo(models=("test_vit",), image_size=96).sources()
    info = source.info
    assert (info.num_classes, info.activation, info.role) == (0, "none", "source")
    assert (info.input_size, info.feature_dim) == (96, 64)
    features, logits = source.open(CPU)(torch.randn(2, 3, 96, 96))
    assert (features.shape, logits.shape) == ((2, 64), (2, 0))
    assert source.module()(torch.randn(2, 3, 96, 96)).shape == (2, 64)
    (teacher,) = FoundationZoo(models=("test_vit",), generalist=True).sources()
    assert teacher.info.role == "generalist"


def test_classes_go_with_an_activation():
    facts = {"name": "x", "architecture": "y", "feature_dim": 1, "input_size": 1}
    facts |= {"mean": (0, 0, 0), "std": (1, 1, 1)}
    with pytest.raises(ValueError, match='without classes has activation "none"'):
        SourceInfo(**facts, num_classes=0, fingerprint="z")
    assert SourceInfo(**facts, num_classes=0, activation="none", fingerprint="z").num_classes == 0


@pytest.mark.slow
def test_ranked_by_features_and_declined_where_classes_are_needed(hub, monkeypatch):
    from distbench import rank

    monkeypatch.setattr(foundation, "CURATED", ("test_vit.r160_in1k", "test_resnet.r160_in1k"))
    for name in foundation.CURATED:
        hub_cache.registry_model(hub, name)
    zoo = "foundation:image_size=32"
    given = {"plugin": (TOYS,), "image_size": 16, "labelled": "8-per-class", "device": "cpu"}
    metrics = ("linear_probe", "leep")
    found = rank("toy_task", zoo=zoo, metric=metrics, distiller="none", **given)
    probed, leep = found.rankings
    assert set(probed.scores) == set(foundation.CURATED)
    assert all(np.isfinite(score) for score in probed.scores.values())
    assert leep.sources == ()
    assert leep.excluded == dict.fromkeys(foundation.CURATED, "has no class logits")
