"""Students from torchvision: where their weights come from, and how they are given away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads import weights as _hub_weights
from distbench_builtin.students.torchvision import TorchvisionStudent

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models

NAME = "shufflenet_v2_x0_5"
FILE = "shufflenetv2_x0.5-f707e7126e.pth"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """No network, and an empty cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    found = tmp_path / "torch" / "hub" / "checkpoints"
    found.mkdir(parents=True)
    return found


def make(architecture: str = NAME, **parameters) -> TorchvisionStudent:
    return TorchvisionStudent(architecture=architecture, **parameters)


def plain(architecture: str = NAME, **arguments):
    torch.manual_seed(0)
    return models.get_model(architecture, weights=None, **arguments).eval()


def test_published_weights(folder, monkeypatch):
    student = make()
    assert student.downloads()[0].path == folder / FILE
    model = plain()
    torch.save(model.state_dict(), folder / FILE)
    with pytest.raises(WeightsError, match=r"has SHA-256 .* instead of f707e7126e"):
        student.fingerprint()
    monkeypatch.setattr(_hub_weights, "file_digest", lambda file: "f707e7126e" + "0" * 54)
    assert student.fingerprint() == file_digest(folder / FILE)
    backbone = student.backbone(pretrained=True).eval()
    assert backbone.num_features == 1024
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model.fc(backbone(images)), model(images), atol=1e-5)
    assert not any(name.startswith("fc.") for name in backbone.state_dict())


def test_without_published_weights_there_is_no_random_start():
    way_out = r"machine.* `distbench fetch --student torchvision:shufflenet_v2_x0_5 --only student`"
    for ask in (make().fingerprint, lambda: make().backbone(pretrained=True)):
        with pytest.raises(WeightsError, match=way_out):
            ask()
    assert make(pretrained=False).fingerprint() == "random"
    assert make(pretrained=False).downloads() == []


@pytest.mark.parametrize("classes", [7, 1000])
def test_weights_of_a_file(tmp_path, classes):
    from safetensors.torch import save_file

    model = plain(num_classes=classes)
    file = tmp_path / "w.safetensors"
    save_file(model.state_dict(), file)
    student = make(weights=file)
    assert student.fingerprint() == file_digest(file)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        features = student.backbone(pretrained=True).eval()(images)
        assert torch.allclose(model.fc(features), model(images), atol=1e-5)
    assert student.downloads() == []
    with pytest.raises(WeightsError, match=r"cannot read the student's weights .*; mend weights="):
        make(weights=tmp_path / "none.pth").fingerprint()
    with pytest.raises(WeightsError, match="do not fit torchvision's 'mnasnet0_5'"):
        make("mnasnet0_5", weights=file).backbone(pretrained=True)


def test_names_and_arguments():
    with pytest.raises(UsageError, match="Did you mean 'shufflenet_v2_x1_0'"):
        make("shufflenet_v2_x10").fingerprint()
    with pytest.raises(UsageError, match=r"no weights 'V7' of 'resnet18'; it has DEFAULT"):
        make("resnet18", published="V7").normalisation()
    with pytest.raises(UsageError, match=r"'resnet18' refuses its arguments: .*depth"):
        make("resnet18", arguments={"depth": 3}, pretrained=False).backbone(pretrained=False)
    student = registry().make("student", "torchvision:mobilenet_v3_small:pretrained=false")
    assert (student.architecture, student.pretrained) == ("mobilenet_v3_small", False)
    assert registry().make("student", student.label) == student
    assert make().normalisation() == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", ["shufflenet_v2_x0_5", "mobilenet_v3_small", "googlenet", "resnet18"]
)
def test_export_loads_into_plain_torchvision(tmp_path, architecture):
    from safetensors.torch import save_file

    student = make(architecture, pretrained=False)
    backbone = student.backbone(pretrained=False).eval()
    head = torch.nn.Linear(backbone.num_features, 3)
    tensors, recipe = student.export(backbone.state_dict(), head.state_dict(), ["a", "b", "c"])
    assert json.loads(json.dumps(recipe)) == recipe
    assert (recipe["format"], recipe["classes"]) == ("torchvision", ["a", "b", "c"])
    save_file(tensors, tmp_path / "student.safetensors")
    told = {"PATH": str(tmp_path / "student.safetensors")}
    exec(recipe["how_to_load"], told)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(told["model"](images), head(backbone(images)), atol=1e-5)


def test_heads_that_are_not_linear_are_exported_as_ours():
    student = make("squeezenet1_1", pretrained=False)
    backbone = student.backbone(pretrained=False).eval()
    assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, 512) == (2, backbone.num_features)
    head = torch.nn.Linear(512, 3)
    tensors, recipe = student.export(backbone.state_dict(), head.state_dict(), ["a", "b", "c"])
    assert recipe["format"] == "distbench"
    assert {"head.weight", "head.bias"} < set(tensors)


def test_random_starts_see_images_as_pretrained_ones_do():
    assert make("googlenet").backbone(pretrained=False).transform_input
    assert not make("googlenet", pretrained=False).backbone(pretrained=False).transform_input
    assert Path(make("googlenet").downloads()[0].path).name == "googlenet-1378be20.pth"
