"""Real photographs and pretrained weights, where they are at hand: the practitioner's path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import distbench
from distbench.errors import WeightsError
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "real"


@pytest.fixture
def small_zoo(real: Path, tmp_path: Path) -> Path:
    """Two of the ten models, for speed."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    head, *models = (real / "zoo" / "zoo.toml").read_text().split("[[models]]")
    kept = [m for m in models if '"cifar10-resnet8"' in m or '"person-mobilenetv1-025"' in m]
    (zoo / "zoo.toml").write_text("[[models]]".join([head, *kept]))
    for name in ("cifar10-resnet8", "person-mobilenetv1-025"):
        (zoo / f"{name}.onnx").symlink_to(real / "zoo" / f"{name}.onnx")
    return zoo


@pytest.mark.slow
def test_the_suite_is_planned_without_sources_that_saw_a_task(real: Path) -> None:
    plan = make_plan(RunConfig.make(suite=str(real / "suite.toml")))
    assert len(plan.tasks) == 8
    assert len(plan.sources) == 10
    assert sorted(plan.excluded["cifar10"]) == [
        "cifar10-resnet20",
        "cifar10-resnet56",
        "cifar10-resnet8",
    ]
    assert all(name.startswith("imagenet-") for name in plan.excluded["stanford_dogs"])
    assert plan.excluded["pets3"] == {}


@pytest.mark.slow
def test_a_folder_a_zoo_and_a_timm_student_give_a_model_to_ship(
    real: Path, small_zoo: Path
) -> None:
    import timm
    from safetensors.torch import load_file

    weights = real / "student" / "mobilenetv2_035-imagenet.safetensors"
    made = distbench.run(
        task=f"folder:path={real / 'tasks' / 'pets3'}",
        zoo=f"local:path={small_zoo}",
        student=f"timm:mobilenetv2_035:weights={weights},arguments.pad_type=same,"
        "arguments.bn_eps=0.001",
        image_size=32,
        steps=4,
        batch=8,
        baseline="finetune",
        executor="serial",
    )
    assert [row.reason for row in made.rows if row.status != "done"] == []
    path = made.students["pets3"]
    recipe = json.loads(path.with_name("model.json").read_text())
    assert recipe["classes"] == sorted(p.name for p in (real / "tasks/pets3/train").iterdir())
    model = timm.create_model(
        recipe["architecture"], num_classes=recipe["num_classes"], **recipe["arguments"]
    )
    model.load_state_dict(load_file(path), strict=True)
    with torch.no_grad():
        assert model.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


def test_pretrained_weights_that_cannot_be_had_are_never_replaced_by_random_ones(
    real: Path, small_zoo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with pytest.raises(WeightsError) as caught:
        distbench.run(
            task=f"folder:path={real / 'tasks' / 'pets3'}",
            zoo=f"local:path={small_zoo}",
            student="timm:mobilenetv3_small_100",
        )
    assert "weights=PATH" in str(caught.value)
    assert "pretrained=false" in str(caught.value)
    assert not Path("runs").exists()


@pytest.mark.slow
def test_rank_finds_the_bird_model_for_birds(real: Path) -> None:
    ranking = distbench.rank(
        f"folder:path={real / 'tasks' / 'cub10'}", f"local:path={real / 'zoo'}", probe_size=60
    )
    assert ranking.sources[0].source.name == "inat-birds-mobilenetv2"
    assert ranking.probe == 60
