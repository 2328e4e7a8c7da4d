"""The part of a stored image that a network is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import distbench
from distbench.engine.training.batches import central, kept_side, to_batch, to_floats
from distbench.engine.training.setting import TrainingSetting
from distbench.engine.training.streams import BatchStream

CPU = torch.device("cpu")


def test_the_centre_is_kept() -> None:
    images = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    assert np.array_equal(central(images, 0.5), images[:, 2:6, 2:6])
    assert central(images, 1.0).shape == images.shape
    assert kept_side(256, 0.875) == 224  # the usual way
    assert kept_side(4, 0.01) == 1
    floats = torch.from_numpy(images)
    assert torch.equal(central(floats, 0.5), floats[:, 2:6, 2:6])
    wanted = floats[:, 2:6, 2:6].permute(0, 3, 1, 2).float() / 255
    assert torch.equal(to_batch(images, 4, CPU, 0.5), wanted)  # nothing is resized
    assert torch.equal(to_floats(floats, 8, crop=0.5), to_floats(floats[:, 2:6, 2:6], 8))


@pytest.mark.parametrize("view", ["plain", "weak", "strong", "WeakView", "RandomResizedCrop"])
def test_views_are_of_that_part_but_for_those_that_crop_themselves(view: str) -> None:
    from distbench import Stream

    images = np.zeros((6, 16, 16, 3), np.uint8)
    images[:, 4:12, 4:12] = 200  # all that half of the side shows
    kind = getattr(distbench, view)() if view[0].isupper() else view
    stream = Stream(positions=np.arange(6), batch=6, views={"a": kind})
    setting = TrainingSetting(images, 8, CPU, crop=0.5)
    seen = next(BatchStream(stream, setting, 0)).views["a"]
    assert seen.shape == (6, 3, 8, 8)
    if view in ("plain", "weak", "WeakView"):
        assert torch.allclose(seen, torch.full_like(seen, 200 / 255))
    if view == "RandomResizedCrop":
        assert (seen < 0.1).any()


PLUGIN = """
import dataclasses
import numpy as np
import torch
from distbench import Metric, Zoo
from toys import ToyZoo

class Framed(Zoo):
    "The toy sources, each shown half of a side, and what the metric `seen` was shown."
    crop: float = 1.0
    def sources(self):
        found = ToyZoo().sources()
        for source in found:
            source.info = source.info.model_copy(update={"crop": self.crop})
        return found

class Seen(Metric):
    "How far the images that a metric sees give the features that it sees."
    needs = frozenset({"features", "images", "module"})
    def score(self, probe):
        images = torch.from_numpy(np.array(probe.images)).permute(0, 3, 1, 2).float() / 255
        features = probe.module()(images).features.detach().numpy()
        assert probe.images.shape[1] == 16 * probe.source.crop
        return -float(np.abs(features - probe.features).max())
"""


@pytest.fixture
def framed(tmp_path: Path, toy_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(toy_options["plugin"][0]).parent))
    (tmp_path / "framed.py").write_text(PLUGIN)
    return {
        **{k: v for k, v in toy_options.items() if k != "zoo"},
        "plugin": (*toy_options["plugin"], tmp_path / "framed.py"),
        "task": ("toy_task",),
        "distiller": "pseudo_labels",
        "baseline": "none",
    }


def scores(made: Any) -> Sequence[float]:
    (row,) = made.rows
    assert row.result, row.reason
    return [score for score in row.result.sources.scores.values() if score is not None]


@pytest.mark.slow
def test_a_source_and_a_metric_are_shown_the_same_part(framed: Any) -> None:
    found = {}
    for crop in (1.0, 0.5):
        made = distbench.run(**framed, zoo=f"framed:crop={crop}", metric="seen")
        assert max(map(abs, scores(made))) < 1e-5
        found[crop] = distbench.run(**framed, zoo=f"framed:crop={crop}", metric="logme")
    assert scores(found[1.0]) != scores(found[0.5])


def test_what_nobody_crops_has_the_keys_of_before(toy_options: Any) -> None:
    from distbench.planning.config import RunConfig
    from distbench.planning.planner import make_plan

    plans = [
        make_plan(RunConfig.make(**toy_options, **more)).to_json()
        for more in ({}, {"crop": 1.0}, {"crop": 0.9})
    ]
    assert plans[0] == plans[1] != plans[2]
    assert '"crop"' not in plans[0]


def test_published_networks_see_what_their_own_test_images_showed() -> None:
    from distbench_builtin.shared.models.timm_cards import _facts, card
    from distbench_builtin.shared.models.torchvision_create import weights

    shown = {name: card(name)["crop"] for name in ("resnet18.tv_in1k", "resnet50.a1_in1k")}
    assert shown == {"resnet18.tv_in1k": 0.875, "resnet50.a1_in1k": 0.95}
    assert _facts("any", {"crop_pct": 0.9, "crop_mode": "squash"})["crop"] == 1
    assert weights("resnet18", "DEFAULT")["crop"] == 0.875
    assert round(weights("resnet50", "IMAGENET1K_V2")["crop"], 4) == 0.9655  # 224 of 232
