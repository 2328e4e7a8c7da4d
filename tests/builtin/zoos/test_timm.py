"""The zoo of timm's models: names, weights in the Hub's cache, facts, outputs; all offline."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.shared.downloads.weights import HashedFile, HubWeights
from distbench_builtin.shared.models import timm_cards as _timm_cards
from distbench_builtin.shared.models.training_data import data_in, without_labels
from distbench_builtin.zoos.timm import TimmZoo

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")
huggingface_hub = pytest.importorskip("huggingface_hub")

_spec = importlib.util.spec_from_file_location(
    "hub_cache", Path(__file__).with_name("hub_cache.py")
)
hub_cache = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hub_cache)

CPU = torch.device("cpu")
NAME = "test_resnet.r160_in1k"


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """No network, and empty caches."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DISTBENCH_OFFLINE", "1")
    monkeypatch.setattr(_digests, "_known", {}, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def contacted(*_):
        raise AssertionError("something was contacted")

    monkeypatch.setattr(socket.socket, "connect", contacted)
    monkeypatch.setattr(socket, "getaddrinfo", contacted)
    return tmp_path / "hub"


def zoo(*models: str, **parameters) -> TimmZoo:
    return TimmZoo(models=models, **parameters).named("timm")


# --- a model of the registry ----------------------------------------------------------------------


def test_facts_of_a_registered_model(hub):
    model, file = hub_cache.registry_model(hub, NAME)
    (source,) = zoo("test_resnet").sources()
    info = source.info
    assert info.name == NAME
    assert (info.architecture, info.num_classes, info.feature_dim) == ("test_resnet", 1000, 96)
    assert (info.input_size, info.mean, info.std) == (160, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert (info.activation, info.role, info.domain) == ("softmax", "source", "general")
    assert (info.trained_on, info.licence) == (("imagenet-1k",), "apache-2.0")
    assert info.fingerprint == hub_cache.sha256(file)
    assert info.parameters == sum(p.numel() for p in model.parameters())
    assert (info.macs, info.depth) == (102_547_200, 13)
    assert info.recipe["repository"] == f"timm/{NAME}"
    assert info.recipe["revision"] == hub_cache.COMMIT
    assert "/" not in str(info.recipe["arguments"])
    source.verify()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_vit"])
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_outputs_are_those_of_timm(hub, name, file):
    model, _ = hub_cache.registry_model(hub, f"{name}.r160_in1k", file)
    (source,) = zoo(name).sources()
    images = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        features, logits = source.open(CPU)(images)
        maps = model.forward_features(images)
        assert torch.equal(logits, model(images))
        assert torch.equal(features, model.forward_head(maps, pre_logits=True))
    assert features.shape == (2, model.head_hidden_size)
    trainable = source.module()
    assert all(p.requires_grad for p in trainable.parameters())


def test_pickles_that_hold_code_are_refused(hub):
    _, file = hub_cache.registry_model(hub, NAME, "pytorch_model.bin")
    torch.save(timm.create_model("test_resnet"), file)
    (source,) = zoo(NAME).sources()
    with pytest.raises(WeightsError, match="hold more than tensors"):
        source.open(CPU)


def test_weights_of_another_architecture_are_refused(hub):
    other, _ = hub_cache.registry_model(hub, "test_efficientnet.r160_in1k")
    from safetensors.torch import save_file

    save_file(other.state_dict(), hub_cache.snapshot(hub, f"timm/{NAME}") / "model.safetensors")
    (source,) = zoo(NAME).sources()
    with pytest.raises(WeightsError, match=r"'test_resnet.r160_in1k' cannot be loaded from"):
        source.open(CPU)


def test_a_file_that_changes_is_noticed(hub):
    _, file = hub_cache.registry_model(hub, NAME)
    (source,) = zoo(NAME).sources()
    file.write_bytes(file.read_bytes()[:-4] + b"abcd")
    with pytest.raises(WeightsError, match=r"of source 'test_resnet.* changed: its SHA-256"):
        source.verify()
    file.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        source.verify()


# --- names and patterns ---------------------------------------------------------------------------


def test_patterns_stand_for_all_that_they_match(hub):
    found = zoo("test_resnet.*", "test_vit2*", NAME).downloads()
    names = [need.repository for need in found]
    assert names[0] == f"timm/{NAME}"
    assert set(names[1:]) <= {f"timm/{n}" for n in timm.list_pretrained("test_vit2*")}
    assert len(names) == len(set(names))
    assert len(zoo("resnet18.*").downloads()) == len(timm.list_pretrained("resnet18.*"))


def test_names_that_are_wrong():
    with pytest.raises(UsageError, match="no pretrained model of timm matches 'nosuch"):
        zoo("nosuch*").downloads()
    with pytest.raises(UsageError, match="Did you mean 'mobilenetv3_small_100'"):
        zoo("mobilenetv3_smal_100").downloads()
    with pytest.raises(UsageError, match=r"no name of timm's registry; write hf-hub:org/name"):
        zoo("org/name").sources()
    with pytest.raises(WeightsError, match="timm has no weights of 'mobilenetv2_035'"):
        zoo("mobilenetv2_035").downloads()


def test_absent_weights_name_the_command():
    with pytest.raises(WeightsError) as caught:
        zoo(NAME, "test_vit", image_size=128).sources()
    assert str(caught.value) == (
        "the weights of test_resnet.r160_in1k, test_vit.r160_in1k are not on this machine; get "
        "them with `distbench fetch --zoo timm:test_resnet.r160_in1k+test_vit:image_size=128 "
        "--only zoo`"
    )
    assert caught.value.exit_code == 3
    with pytest.raises(WeightsError, match=r"fetch --zoo 'timm:resnet18\.\*' --only zoo"):
        zoo("resnet18.*").sources()


def test_the_grammar():
    made = registry().make("zoo", "timm:models=test_resnet+hf-hub:org/name@main:image_size=64")
    assert made.models == ("test_resnet", "hf-hub:org/name@main:image_size=64")
    made = registry().make("zoo", "timm:resnet18.*+hf-hub:org/name:image_size=64")
    assert (made.models, made.image_size) == (("resnet18.*", "hf-hub:org/name"), 64)
    assert registry().make("zoo", made.label) == made


# --- what is fetched ------------------------------------------------------------------------------


def test_downloads(hub):
    (need,) = zoo(NAME).downloads()
    assert isinstance(need, HubWeights)
    assert (need.repository, need.also) == (f"timm/{NAME}", ())
    assert need.files == ("model.safetensors", "pytorch_model.bin")
    assert not need.present()
    hub_cache.registry_model(hub, NAME)
    assert need.present()
    assert need.missing_bytes() == 0
    (other,) = zoo("gcvit_xxtiny").downloads()
    assert isinstance(other, HashedFile)
    assert other.path.name.startswith("gcvit_xxtiny")
    (third,) = zoo("hf-hub:org/name@v1").downloads()
    assert (third.repository, third.also) == ("org/name@v1", ("config.json",))


def test_the_first_name_that_the_hub_has_is_fetched(hub, monkeypatch):
    from distbench import DataError, HubFiles

    there = {"pytorch_model.bin": 100, "config.json": 7}
    fetched = []

    def missing(self):
        return there.get(self.patterns[0], 0)

    monkeypatch.setattr(HubFiles, "missing_bytes", missing)
    monkeypatch.setattr(HubFiles, "fetch", lambda self, told: fetched.append(self))
    need = HubWeights(
        "x", "org/name@v1", ("model.safetensors", "pytorch_model.bin"), ("config.json",)
    )
    assert need.missing_bytes() == 107
    need.fetch(lambda _: None)
    assert [item.patterns for item in fetched] == [("pytorch_model.bin",), ("config.json",)]
    assert {(item.repository, item.revision, item.kind) for item in fetched} == {
        ("org/name", "v1", "model")
    }
    there.clear()
    with pytest.raises(DataError, match=r"org/name@v1 has no model\.safetensors or pytorch_model"):
        need.fetch(lambda _: None)


def test_weights_that_came_are_compared_with_their_name(tmp_path, monkeypatch):
    from distbench import DataError

    for name in ("DISTBENCH_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    weights = tmp_path / "weights"
    weights.write_bytes(b"x")
    good = HashedFile("w", weights.as_uri(), tmp_path / "net-2d711642.pth")
    good.fetch(lambda _: None)
    assert good.present()
    bad = HashedFile("w", weights.as_uri(), tmp_path / "net-00000000.pth")
    with pytest.raises(DataError, match="has sha256 2d711642 instead of 00000000"):
        bad.fetch(lambda _: None)
    assert not bad.present()


# --- repositories and folders ---------------------------------------------------------------------


def test_a_repository_of_the_hub(hub):
    folder = hub_cache.snapshot(hub, "anonauthors/cifar10-timm-resnet50")
    model = hub_cache.saved(folder, "test_resnet", 10, label_names=[f"c{i}" for i in range(10)])
    (source,) = zoo("hf-hub:anonauthors/cifar10-timm-resnet50").sources()
    info = source.info
    assert info.name == "anonauthors/cifar10-timm-resnet50"
    assert (info.architecture, info.num_classes, info.feature_dim) == ("test_resnet", 10, 96)
    assert (info.trained_on, info.domain) == (("cifar10",), "objects")
    assert info.fingerprint == hub_cache.sha256(folder / "model.safetensors")
    assert info.recipe["revision"] == hub_cache.COMMIT
    images = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        assert torch.equal(source.open(CPU)(images)[1], model(images))


def test_revisions_are_told_apart(hub):
    for branch, commit, classes in (("main", "a" * 40, 3), ("v2", "b" * 40, 4)):
        hub_cache.saved(
            hub_cache.snapshot(hub, "org/eurosat", commit, branch), "test_resnet", classes
        )
    for revision, classes in (("", 3), ("@v2", 4), (f"@{'a' * 40}", 3)):
        (source,) = zoo(f"hf-hub:org/eurosat{revision}").sources()
        assert (source.info.num_classes, source.info.trained_on) == (classes, ("eurosat",))
    with pytest.raises(WeightsError, match=r"org/eurosat@v3 are not on this machine"):
        zoo("hf-hub:org/eurosat@v3").sources()


def test_legacy_configurations(hub):
    from safetensors.torch import save_file

    folder = hub_cache.snapshot(hub, "BVRA/resnet18.in1k_ft_df20_299")
    model = timm.create_model("test_resnet", num_classes=5).eval()
    save_file(model.state_dict(), folder / "model.safetensors")
    config = {"architecture": "test_resnet.r160_in1k", "input_size": [3, 96, 96], "num_classes": 5}
    (folder / "config.json").write_text(json.dumps(config))
    (source,) = zoo("hf-hub:BVRA/resnet18.in1k_ft_df20_299").sources()
    info = source.info
    assert (info.num_classes, info.input_size, info.architecture) == (5, 96, "test_resnet")
    assert info.trained_on == ("imagenet-1k", "danish-fungi-2020")
    source.open(CPU)(torch.zeros(1, 3, 96, 96))


def test_a_repository_without_its_configuration_is_not_there(hub):
    folder = hub_cache.snapshot(hub, "org/name")
    hub_cache.saved(folder, "test_resnet", 3)
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match="the weights of org/name are not on this machine"):
        zoo("hf-hub:org/name").sources()


def test_a_folder(tmp_path):
    model = hub_cache.saved(tmp_path / "mine", "test_vit", 6)
    (source,) = zoo(f"local-dir:{tmp_path / 'mine'}").sources()
    assert (source.info.name, source.info.num_classes) == ("mine", 6)
    # Its tag tells what it began from, which is all that is known of it.
    assert source.info.trained_on == ("imagenet-1k",)
    assert str(tmp_path) not in source.info.model_dump_json()
    images = torch.randn(1, 3, 160, 160)
    with torch.no_grad():
        assert torch.equal(source.open(CPU)(images)[1], model(images))
    told = zoo(f"local-dir:{tmp_path / 'mine'}", trained_on={"mine": ("shapes",)}).sources()
    assert told[0].info.trained_on == ("shapes",)
    with pytest.raises(UsageError, match="trained_on names 'other', which is not among mine"):
        zoo(f"local-dir:{tmp_path / 'mine'}", trained_on={"other": ("shapes",)}).sources()
    assert zoo(f"local-dir:{tmp_path / 'mine'}").downloads() == []
    (tmp_path / "mine").rename(tmp_path / "cub200-vit")
    (named,) = zoo(f"local-dir:{tmp_path / 'cub200-vit'}").sources()
    assert (named.info.name, named.info.trained_on) == ("cub200-vit", ("cub200",))
    assert named.info.domain == "birds"


def test_folders_that_are_no_models(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(WeightsError, match=r"no weights in .*mine, e\.g\. model\.safetensors"):
        zoo(f"local-dir:{tmp_path / 'mine'}").sources()
    (tmp_path / "mine" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"cannot read config\.json \(No such file"):
        zoo(f"local-dir:{tmp_path / 'mine'}").sources()
    (tmp_path / "mine" / "config.json").write_text('{"architecture": "nosuch"}')
    with pytest.raises(WeightsError, match=r"timm makes no model of .*config\.json: Unknown model"):
        zoo(f"local-dir:{tmp_path / 'mine'}").sources()
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match="two of the models are called 'mine'"):
        zoo(f"local-dir:{tmp_path / 'mine'}", f"local-dir:{tmp_path / 'a' / 'mine'}").sources()


# --- sizes, features alone, tags ------------------------------------------------------------------


@pytest.mark.slow
def test_the_size_of_the_images(hub):
    hub_cache.registry_model(hub, NAME)
    (source,) = zoo(NAME, image_size=96).sources()
    assert (source.info.input_size, source.info.recipe["arguments"]) == (96, {})
    assert source.open(CPU)(torch.zeros(1, 3, 96, 96))[0].shape == (1, 96)
    hub_cache.registry_model(hub, "test_vit.r160_in1k")
    (source,) = zoo("test_vit", image_size=64).sources()
    assert (source.info.input_size, source.info.recipe["arguments"]) == (64, {"img_size": 64})
    assert source.open(CPU)(torch.zeros(1, 3, 64, 64))[1].shape == (1, 1000)


def test_models_of_images_and_texts_give_features_alone(hub, monkeypatch):
    hub_cache.registry_model(hub, NAME)
    look_up = _timm_cards._look_up

    def as_clip(name):
        return look_up(name) | {"tag": "openai"}

    monkeypatch.setattr(_timm_cards, "_look_up", as_clip)
    (source,) = zoo(NAME).sources()
    assert (source.info.num_classes, source.info.activation) == (0, "none")
    assert source.info.trained_on == ("wit-400m",)
    features, logits = source.open(CPU)(torch.zeros(2, 3, 160, 160))
    assert (features.shape, logits.shape) == ((2, 96), (2, 0))
    assert "fc.weight" not in source.module().state_dict()


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("a1_in1k", ["imagenet-1k"]),
        ("augreg_in21k_ft_in1k", ["imagenet-21k", "imagenet-1k"]),
        ("clip_laion2b_soup_ft_in12k_in1k_320", ["laion-2b", "imagenet-12k", "imagenet-1k"]),
        ("merged2b_ft_inat21", ["merged-2b", "inat21"]),
        ("lvd142m", ["lvd-142m"]),
        ("sat493m", ["sat-493m"]),
        ("nateraw/resnet50-oxford-iiit-pet", ["oxford_pets"]),
        ("1aurent/resnet50.medmae_in1k_swav_ft_CXR", ["imagenet-1k", "chestx-ray14"]),
        ("apple_pt", []),
    ],
)
def test_tags_tell_what_a_model_has_learnt_from(tag, names):
    assert [data.name for data in data_in(tag)] == names


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("a1_in1k", ()),
        ("lvd142m", ("lvd-142m",)),
        ("mae", ("imagenet-1k",)),
        ("fcmae_ft_in1k", ()),
        ("fcmae_ft_in22k_in1k", ()),
        ("m30m_ft_in22k_in1k", ("merged-30m",)),
        ("openai", ()),
    ],
)
def test_tags_tell_what_was_seen_without_labels(tag, names):
    assert without_labels(data_in(tag)) == names


@pytest.mark.slow
def test_planning_again_imports_no_torch(hub):
    hub_cache.registry_model(hub, NAME)
    zoo("test_resnet.*").sources()
    code = (
        "import sys; from huggingface_hub import constants; constants.HF_HUB_CACHE = sys.argv[1]; "
        "from distbench_builtin.zoos.timm import TimmZoo; "
        "s, = TimmZoo(models=('test_resnet.*',)).sources(); s.verify(); "
        "print(s.info.name, {'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(hub)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{NAME} set()"
