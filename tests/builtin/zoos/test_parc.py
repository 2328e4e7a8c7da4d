"""PARC's zoo: the authors' files, their archive, and what is said of them."""

from __future__ import annotations

import warnings
import zipfile

import pytest

from distbench import DataError, UrlFile, UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.shared.downloads import parc as _parc_download
from distbench_builtin.zoos.parc import DATA, ParcZoo

torch = pytest.importorskip("torch")
models = pytest.importorskip("torchvision").models

CPU = torch.device("cpu")


def checkpoint(folder, name, classes):
    """As the authors wrote theirs: the state dict of a model in DataParallel."""
    architecture = name.partition("_")[0]
    torch.manual_seed(0)
    own = {"aux_logits": False, "init_weights": False} if architecture == "googlenet" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = models.get_model(architecture, weights=None, num_classes=classes, **own).eval()
    file = folder / architecture / f"{name}.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(torch.nn.DataParallel(model).state_dict(), file)
    return model, file


def test_the_28_and_the_32():
    zoo = ParcZoo()
    assert len(zoo._names()) == 28
    assert len(ParcZoo(which=32)._names()) == 32
    assert "resnet50_imagenet" in ParcZoo(which=32)._names()
    assert ParcZoo(models=("alexnet_*",))._names()[0] == "alexnet_nabird"
    made = registry().make("zoo", "parc:path=models,which=32")
    assert made.which == 32
    with pytest.raises(UsageError, match=r"which='30' will not do: .*it is 28, or 32"):
        registry().make("zoo", "parc:which=30")
    with pytest.raises(UsageError, match="no model of PARC matches 'vgg_\\*'"):
        ParcZoo(models=("vgg_*",)).sources()
    assert [data.classes for data in DATA.values()] == [555, 37, 200, 101, 120, 21, 10, 1000]


@pytest.mark.slow
def test_a_single_label_model(tmp_path):
    model, file = checkpoint(tmp_path, "resnet18_cifar10", 10)
    (source,) = ParcZoo(path=tmp_path, models=("resnet18_cifar10",)).sources()
    info = source.info
    assert (info.name, info.architecture, info.num_classes) == ("resnet18_cifar10", "resnet18", 10)
    assert (info.feature_dim, info.input_size, info.depth) == (512, 224, 18)
    assert (info.mean, info.std) == ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    assert (info.activation, info.domain, info.trained_on) == ("softmax", "objects", ("cifar10",))
    assert info.recipe["initialised_from"] == "imagenet-1k"
    assert info.parameters == sum(p.numel() for p in model.parameters())
    source.verify()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        features, logits = source.open(CPU)(images)
        assert torch.equal(logits, model(images))
        assert torch.allclose(model.fc(features), logits, atol=1e-5)
    file.write_bytes(b"cut off")
    with pytest.raises(WeightsError, match="changed"):
        source.verify()


@pytest.mark.slow
def test_the_multi_label_model_in_googlenet(tmp_path):
    model, _ = checkpoint(tmp_path / "models", "googlenet_voc2007", 21)
    (source,) = ParcZoo(path=tmp_path, models=("googlenet_voc2007",)).sources()
    info = source.info
    assert (info.activation, info.num_classes, info.feature_dim) == ("sigmoid", 21, 1024)
    assert (info.mean, info.trained_on) == ((0.485, 0.456, 0.406), ("voc2007",))
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(source.open(CPU)(images)[1], model(images))
    assert not source.module().transform_input


@pytest.mark.slow
def test_files_that_do_not_fit(tmp_path):
    _, file = checkpoint(tmp_path, "resnet18_cifar10", 11)
    (source,) = ParcZoo(path=tmp_path, models=("resnet18_cifar10",)).sources()
    with pytest.raises(WeightsError, match=r"resnet18 with 10 classes .* other shape fc\.weight"):
        source.open(CPU)
    torch.save(torch.nn.Linear(1, 1), file)
    (source,) = ParcZoo(path=tmp_path, models=("resnet18_cifar10",)).sources()
    with pytest.raises(WeightsError, match="hold more than tensors"):
        source.open(CPU)


def test_absent_models(tmp_path):
    checkpoint(tmp_path, "resnet18_cifar10", 10)
    zoo = ParcZoo(path=tmp_path, models=("resnet18_*",)).named("parc")
    with pytest.raises(WeightsError) as caught:
        zoo.sources()
    said = str(caught.value)
    assert said.startswith(
        "the weights of resnet18_nabird, resnet18_oxford_pets, resnet18_cub200 and 3 more are not "
        "on this machine; get them with `distbench fetch --zoo "
    )
    assert said.endswith(f"(looked for in {tmp_path})")
    (need,) = zoo.downloads()
    assert not need.present()
    assert need.missing_bytes() is None


def archive(file, names):
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as held:
        for name in names:
            held.writestr(f"models/{name.partition('_')[0]}/{name}.pth", name)
        held.writestr("../../escaped.pth", "x")


def test_the_archive_is_fetched_and_unpacked(tmp_path, monkeypatch):
    names = ParcZoo()._names()
    asked = []

    def fetch(self, progress):
        asked.append(self.url)
        archive(self.path, names)

    monkeypatch.setattr(UrlFile, "fetch", fetch)
    (need,) = ParcZoo(path=tmp_path / "zoo").downloads()
    need.fetch(lambda _: None)
    assert asked == ["https://www.dropbox.com/s/gk32wdqmf19lnmt/models.zip?dl=1"]
    assert need.present()
    assert need.missing_bytes() == 0
    assert (tmp_path / "zoo" / "alexnet" / "alexnet_voc2007.pth").read_text() == "alexnet_voc2007"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name not in ("home", "work")) == ["zoo"]
    assert not list(tmp_path.rglob("*.part"))


def test_an_archive_by_hand(tmp_path, monkeypatch):
    def fetch(self, progress):
        raise DataError(f"cannot get {self.what}: gone")

    monkeypatch.setattr(UrlFile, "fetch", fetch)
    (need,) = ParcZoo(path=tmp_path / "zoo", models=("resnet18_*",)).downloads()
    by_hand = tmp_path / "parc-models.zip"
    with pytest.raises(DataError, match=r"gone\. Download models\.zip from .* by hand"):
        need.fetch(lambda _: None)
    by_hand.write_text("<html>")
    with pytest.raises(DataError, match="is no zip archive; it was thrown away"):
        need.fetch(lambda _: None)
    assert not by_hand.exists()
    archive(by_hand, ["resnet18_cifar10"])
    with pytest.raises(DataError, match=r"lacks resnet18_nabird, .* \(6 of 7 models\)"):
        need.fetch(lambda _: None)
    archive(by_hand, ParcZoo()._names())
    need.fetch(lambda _: None)
    assert need.present()
    assert _parc_download.URL.endswith("dl=1")
