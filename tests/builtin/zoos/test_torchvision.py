"""The zoo of torchvision's classifiers: PyTorch's cache, facts, features, old file formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.downloads import weights as _hub_weights
from distbench_builtin.shared.models import torchvision_create as _torchvision
from distbench_builtin.zoos.torchvision import TorchvisionZoo

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
from torchvision import models  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No network, and an empty cache; random weights cannot have the digests of their names."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    told = {}

    def digest(file):
        return told.get(Path(file).name) or file_digest(file)

    monkeypatch.setattr(_hub_weights, "file_digest", digest)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)

    def save(entry, state):
        name = entry.url.rpartition("/")[2]
        told[name] = _hub_weights._HASH.search(name)[1] + "0" * 56
        torch.save(state, folder / name)
        return folder / name

    return save


def small(architecture, **arguments):
    torch.manual_seed(0)
    return models.get_model(architecture, weights=None, **arguments).eval()


def zoo(*names, **parameters):
    return TorchvisionZoo(models=names, **parameters).named("torchvision")


@pytest.mark.slow
def test_facts_and_outputs(cache):
    entry = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
    model = small("shufflenet_v2_x0_5")
    file = cache(entry, model.state_dict())
    (source,) = zoo("shufflenet_v2_x0_5").sources()
    info = source.info
    assert info.name == "shufflenet_v2_x0_5.imagenet1k_v1"
    assert (info.architecture, info.num_classes, info.feature_dim) == (
        "shufflenet_v2_x0_5",
        1000,
        1024,
    )
    assert info.parameters == entry.meta["num_params"]
    assert info.macs == pytest.approx(entry.meta["_ops"] * 1e9, rel=0.02)
    assert (info.input_size, info.mean, info.licence) == (
        224,
        (0.485, 0.456, 0.406),
        "BSD-3-Clause",
    )
    assert (info.trained_on, info.activation) == (("imagenet-1k",), "softmax")
    assert info.fingerprint == file_digest(file)
    source.verify()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        features, logits = source.open(CPU)(images)
        assert torch.equal(logits, model(images))
        assert torch.allclose(model.fc(features), logits, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "width", "depth"),
    [
        ("resnet18", 512, 18),
        ("resnet50", 2048, 50),
        ("googlenet", 1024, 22),
        ("alexnet", 4096, 8),
        ("squeezenet1_1", 512, 18),
        ("regnet_y_400mf", 440, None),
        ("inception_v3", 2048, None),
    ],
)
def test_features_are_what_the_classifier_is_given(architecture, width, depth):
    size = 299 if architecture == "inception_v3" else 224
    cost = _torchvision.facts(architecture, num_classes=1000, input_size=size, error=UsageError)
    entry = models.get_model_weights(architecture).DEFAULT
    assert cost["feature_dim"] == width
    assert depth is None or cost["depth"] == depth
    assert cost["parameters"] == pytest.approx(entry.meta["num_params"], rel=0.13)
    assert cost["macs"] == pytest.approx(entry.meta["_ops"] * 1e9, rel=0.01, abs=1e6)


@pytest.mark.slow
def test_published_googlenet_comes_without_its_auxiliary_heads(cache):
    whole = small("googlenet", init_weights=False)  # as published: with them
    assert any(name.startswith("aux1.") for name in whole.state_dict())
    cache(models.GoogLeNet_Weights.IMAGENET1K_V1, whole.state_dict())
    (source,) = zoo("googlenet").sources()
    assert source.info.parameters == 6_624_904
    model = source.module()
    assert model.transform_input
    assert model.aux1 is None
    images = torch.randn(2, 3, 224, 224)
    whole.transform_input = True
    with torch.no_grad():
        features, logits = source.open(CPU)(images)
        assert torch.equal(logits, whole(images))
    assert features.shape == (2, 1024)
    assert isinstance(model.train()(images), torch.Tensor)


@pytest.mark.slow
def test_old_names_of_densenet(cache):
    model = small("densenet121")
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    cache(models.DenseNet121_Weights.IMAGENET1K_V1, old)
    (source,) = zoo("densenet121").sources()
    loaded = source.module().state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded[name], value), name


@pytest.mark.slow
def test_versions_in_files_are_kept(cache):
    model = small("mnasnet0_5")  # refuses a file that does not tell its version
    cache(models.MNASNet0_5_Weights.IMAGENET1K_V1, model.state_dict())
    (source,) = zoo("mnasnet0_5").sources()
    assert torch.equal(source.module().state_dict()["layers.0.weight"], model.layers[0].weight)


@pytest.mark.slow
def test_weights_that_do_not_fit(cache):
    cache(models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1, small("squeezenet1_1").state_dict())
    (source,) = zoo("shufflenet_v2_x0_5").sources()
    with pytest.raises(WeightsError, match=r"do not fit shufflenet_v2_x0_5 with 1000 .*: missing"):
        source.open(CPU)


def test_damaged_files(cache, monkeypatch):
    entry = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
    file = cache(entry, {"x": torch.zeros(1)})
    monkeypatch.setattr(_hub_weights, "file_digest", file_digest)
    with pytest.raises(WeightsError, match=r"is damaged: it has SHA-256 .* instead of f707e7126e"):
        zoo("shufflenet_v2_x0_5").sources()
    assert file.name == "shufflenetv2_x0.5-f707e7126e.pth"


def test_names_and_what_is_fetched():
    (need,) = zoo("resnet50", weights="IMAGENET1K_V1").downloads()
    assert need.url == "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    assert need.path.name == "resnet50-0676ba61.pth"
    assert zoo("resnet50").downloads()[0].path.name == "resnet50-11ad3fa6.pth"
    assert len(zoo("shufflenet_*", "resnet18", "resnet18").downloads()) == 5
    with pytest.raises(UsageError, match=r"no classifier 'resnet51'\. Did you mean 'resnet50'"):
        zoo("resnet51").downloads()
    with pytest.raises(UsageError, match="no classifier of torchvision matches 'x\\*'"):
        zoo("x*").downloads()
    with pytest.raises(UsageError, match="no weights 'V9' of 'resnet18'; it has DEFAULT, IMAGENET"):
        zoo("resnet18", weights="V9").downloads()
    with pytest.raises(WeightsError) as caught:
        zoo("resnet18", "alexnet").sources()
    assert str(caught.value) == (
        "the weights of resnet18, alexnet are not on this machine; get them with `distbench fetch "
        "--zoo torchvision:resnet18+alexnet --only zoo`"
    )


def test_swag_saw_more_than_imagenet(cache):
    told = _torchvision.weights("regnet_y_16gf", "IMAGENET1K_SWAG_LINEAR_V1", error=UsageError)
    assert told["licence"].startswith("https://github.com/facebookresearch/SWAG")
    made = registry().make("zoo", "torchvision:resnet18+googlenet:weights=IMAGENET1K_V1")
    assert made.models == ("resnet18", "googlenet")
