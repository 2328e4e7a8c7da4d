"""Students from timm: where their weights come from, and how they are given away."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.shared.downloads import weights as _hub_weights
from distbench_builtin.shared.downloads.weights import HubWeights
from distbench_builtin.shared.models.timm_cards import card
from distbench_builtin.students.timm import TimmStudent

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")
huggingface_hub = pytest.importorskip("huggingface_hub")

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
HUB_ID = "timm/test_resnet.r160_in1k"
WAY_OUT = (
    "Get them with `distbench fetch --student timm:test_resnet --only student`, name a file with "
    "weights=PATH, or start from random weights with pretrained=false: --student "
    "timm:test_resnet:weights=PATH or --student timm:test_resnet:pretrained=false. To try "
    "commands, --student mini ships with distbench"
)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """No network, and empty caches."""
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(_digests, "_known", {})
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def save(file: Path, model: torch.nn.Module) -> Path:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), file)
    return file


def cached(tmp_path: Path, model: torch.nn.Module) -> Path:
    """Puts weights where the Hub's client keeps what it downloaded."""
    folder = tmp_path / "hub" / f"models--{HUB_ID.replace('/', '--')}"
    commit = "0" * 40
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    return save(folder / "snapshots" / commit / "model.safetensors", model)


def make(architecture: str = "test_resnet", **parameters) -> TimmStudent:
    return TimmStudent(architecture=architecture, **parameters)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(v, theirs[k]) for k, v in one.state_dict().items())


# --- the network --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "width"),
    [("test_resnet", 96), ("test_efficientnet", 256), ("mobilenetv3_small_050", 1024)],
)
def test_num_features_is_the_width_of_the_output(architecture, width):
    backbone = make(architecture, pretrained=False).backbone(pretrained=True).eval()
    assert backbone.num_features == width
    assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, width)


def test_random_weights_follow_the_seed_only():
    student = make(pretrained=False)
    torch.manual_seed(3)
    one = student.backbone(pretrained=True)
    torch.manual_seed(3)
    assert same(one, student.backbone(pretrained=False))
    assert not same(one, student.backbone(pretrained=False))
    assert student.fingerprint() == "random"


def test_scratch_ignores_the_weights(tmp_path):
    file = save(tmp_path / "w.safetensors", timm.create_model("test_resnet", num_classes=0))
    student = make(weights=file)
    torch.manual_seed(3)
    one = student.backbone(pretrained=False)
    torch.manual_seed(3)
    assert same(one, student.backbone(pretrained=False))
    assert not same(one, student.backbone(pretrained=True))


def test_arguments_and_their_mistakes():
    backbone = make(pretrained=False, arguments={"in_features": 3})
    with pytest.raises(UsageError, match=r"'test_resnet' refuses its arguments: .*in_features"):
        backbone.backbone(pretrained=False)
    with pytest.raises(UsageError, match=r"arguments\.num_classes is set by distbench"):
        make(pretrained=False, arguments={"num_classes": 3}).backbone(pretrained=False)
    with pytest.raises(UsageError, match=r"shape \(1, 96, 5, 5\) with these arguments"):
        make(pretrained=False, arguments={"global_pool": ""}).backbone(pretrained=False)
    wide = make("test_efficientnet", pretrained=False, arguments={"bn_eps": 0.5})
    norms = [m for m in wide.backbone(pretrained=False).modules() if hasattr(m, "running_mean")]
    assert {norm.eps for norm in norms} == {0.5}


def test_unknown_architectures_get_a_suggestion():
    for student in (make("mobilenetv3_smal_100"), make("mobilenetv3_smal_100", pretrained=False)):
        with pytest.raises(UsageError, match="Did you mean 'mobilenetv3_small_100'") as caught:
            student.fingerprint()
        assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r"no weights 'a1_in2k' of 'resnet50'. .*a1_in1k"):
        make("resnet50.a1_in2k").fingerprint()


def test_registered_with_its_grammar(tmp_path):
    text = "timm:test_resnet:pretrained=false,arguments.bn_eps=0.5,weights=w.pth,mean=0+0+0"
    student = registry().make("student", text, base=tmp_path)
    assert isinstance(student, TimmStudent)
    assert (student.architecture, student.pretrained) == ("test_resnet", False)
    assert student.arguments == {"bn_eps": 0.5}
    assert student.weights == tmp_path / "w.pth"
    assert "weights" not in student.identity()["params"]
    assert registry().make("student", student.label) == student


def test_normalisation():
    student = make(pretrained=False)
    assert student.normalisation() == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert make(mean=(0.1, 0.2, 0.3)).normalisation() == ((0.1, 0.2, 0.3), (0.5, 0.5, 0.5))
    plain = make("mobilenetv2_035", pretrained=False).normalisation()
    assert plain == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


# --- weights of a file --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("classes", [0, 5])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_of_a_file(tmp_path, classes, suffix):
    model = timm.create_model("test_efficientnet", num_classes=classes)
    file = tmp_path / f"w.{suffix}"
    if suffix == "pth":
        torch.save({"state_dict": model.state_dict()}, file)
    else:
        save(file, model)
    student = make("test_efficientnet", weights=file)
    assert same(student.backbone(pretrained=True), model)
    assert student.fingerprint() == hashlib.sha256(file.read_bytes()).hexdigest()


def test_half_precision_becomes_float32(tmp_path):
    file = save(tmp_path / "w.safetensors", timm.create_model("test_resnet", num_classes=0).half())
    kinds = {p.dtype for p in make(weights=file).backbone(pretrained=True).parameters()}
    assert kinds == {torch.float32}


def test_files_that_do_not_fit(tmp_path):
    model = timm.create_model("test_resnet", num_classes=0)
    state = model.state_dict()
    file = tmp_path / "w.pth"
    torch.save({k: v for k, v in state.items() if k != "conv1.0.weight"}, file)
    with pytest.raises(WeightsError, match=r"do not fit .*: missing conv1\.0\.weight$"):
        make(weights=file).backbone(pretrained=True)
    torch.save({**state, "extra": torch.zeros(1)}, file)
    with pytest.raises(WeightsError, match=r"left over extra$"):
        make(weights=file).backbone(pretrained=True)
    torch.save({**state, "conv1.0.weight": torch.zeros(2, 3)}, file)
    with pytest.raises(WeightsError, match=r"of other shape conv1\.0\.weight \(2, 3\) for \("):
        make(weights=file).backbone(pretrained=True)
    torch.save(model, file)
    with pytest.raises(WeightsError, match="hold more than tensors"):
        make(weights=file).backbone(pretrained=True)
    missing = make(weights=tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match=r"none\.safetensors: No such file.*; mend weights=PATH"):
        missing.fingerprint()
    with pytest.raises(WeightsError, match=r"none\.safetensors are missing"):
        missing.backbone(pretrained=True)


# --- pretrained weights -------------------------------------------------------------------------


def test_pretrained_weights_of_the_cache(tmp_path):
    model = timm.create_model("test_resnet")
    file = cached(tmp_path, model)
    student = make()
    assert student.fingerprint() == hashlib.sha256(file.read_bytes()).hexdigest()
    backbone = student.backbone(pretrained=True)
    assert same(backbone, model)
    assert not any(name.startswith("fc.") for name in backbone.state_dict())


def test_pretrained_weights_that_do_not_fit_the_arguments_are_refused(tmp_path):
    cached(tmp_path, timm.create_model("test_resnet"))
    with pytest.raises(WeightsError, match=r"cannot be loaded from .* \(with .*\): .*size") as info:
        make(arguments={"stem_width": 24}).backbone(pretrained=True)
    assert "Name a file with weights=PATH, or start from random weights" in str(info.value)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        make(arguments={"avg_down": True, "layers": [2, 1, 1, 1]}).backbone(pretrained=True)


def test_offline_without_cached_weights_is_found_out_at_planning():
    for ask in (make().fingerprint, lambda: make().backbone(pretrained=True)):
        with pytest.raises(WeightsError) as caught:
            ask()
        assert str(caught.value) == (
            "the pretrained weights of timm:test_resnet cannot be had: they are not on this "
            f"machine, and distbench is offline. {WAY_OUT}"
        )


def test_unreachable_hub_and_missing_files(monkeypatch):
    asked = []

    def head(error):
        def answer(url, **_):
            asked.append(url.rpartition("/")[2])
            raise error

        return answer

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    down = head(OSError("Name or service not known"))
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", down)
    with pytest.raises(WeightsError, match=f"{HUB_ID} on the Hub: Name or service not known"):
        make().fingerprint()
    assert asked == ["model.safetensors"]
    none = head(huggingface_hub.errors.EntryNotFoundError("404"))
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", none)
    with pytest.raises(WeightsError, match=r"has no model\.safetensors or pytorch_model\.bin"):
        make().fingerprint()


@pytest.mark.slow
def test_what_the_hub_says_is_what_the_file_will_be(tmp_path, monkeypatch):
    model = timm.create_model("test_resnet")
    file = save(tmp_path / "there" / "model.safetensors", model)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    told = types.SimpleNamespace(etag=digest)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, timeout: told)
    student = make()
    assert student.fingerprint() == digest

    def fetch(self, progress):
        cached(tmp_path, model)

    monkeypatch.setattr(HubWeights, "fetch", fetch)
    assert same(student.backbone(pretrained=True), model)
    assert student.fingerprint() == digest


def test_downloads_that_fail(monkeypatch):
    def broken(self, progress):
        raise OSError("disk full")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HubWeights, "fetch", broken)
    with pytest.raises(WeightsError, match="cannot be had: disk full"):
        make().backbone(pretrained=True)
    told = types.SimpleNamespace(etag="a git hash")
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, timeout: told)
    with pytest.raises(WeightsError, match="cannot be had: they are not on this machine"):
        make().fingerprint()


def test_what_fetch_gets(tmp_path):
    (need,) = make().downloads()
    assert need == HubWeights(
        "weights of test_resnet.r160_in1k", HUB_ID, ("model.safetensors", "pytorch_model.bin")
    )
    assert not need.present()
    file = cached(tmp_path, timm.create_model("test_resnet"))
    assert need.present()
    assert need.find() == file
    assert make(pretrained=False).downloads() == []
    assert make(weights=file).downloads() == []


def test_weights_with_an_address_of_their_own(tmp_path, monkeypatch):
    student = make("gcvit_xxtiny")
    found = card("gcvit_xxtiny")
    assert found["hub"] is None
    with pytest.raises(WeightsError, match="cannot be had: they are not on this machine"):
        student.fingerprint()
    assert student.downloads()[0].url == found["url"]
    file = tmp_path / "torch" / "hub" / "checkpoints" / found["url"].rpartition("/")[2]
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"has SHA-256 2d711642\.\.\. instead of d1d86009"):
        student.fingerprint()
    monkeypatch.setattr(_hub_weights, "file_digest", lambda file: "d1d86009" + "0" * 56)
    assert student.fingerprint() == hashlib.sha256(b"x").hexdigest()


def test_architectures_without_pretrained_weights():
    with pytest.raises(WeightsError, match=r"cannot be had: timm has none\. Name a file"):
        make("mobilenetv2_035").fingerprint()


def test_planning_with_warm_caches_imports_no_torch(tmp_path):
    file = cached(tmp_path, timm.create_model("test_resnet"))
    make().fingerprint()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    code = (
        "import sys; from huggingface_hub import constants; constants.HF_HUB_CACHE = sys.argv[1]; "
        "from distbench_builtin.students.timm import TimmStudent; "
        "s = TimmStudent(architecture='test_resnet'); "
        "print(s.fingerprint(), s.normalisation()[0], {'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "hub")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{digest} (0.5, 0.5, 0.5) set()"


# --- export -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("test_resnet", {}),
        ("test_efficientnet", {"pad_type": "same", "bn_eps": 0.001}),
        ("lcnet_050", {}),
        ("dpn48b", {}),
        ("test_vit", {}),
        ("deit_tiny_distilled_patch16_224", {"img_size": 32}),
    ],
)
def test_export_loads_into_plain_timm(tmp_path, architecture, arguments):
    from safetensors.torch import load_file, save_file

    student = make(architecture, pretrained=False, arguments=arguments)
    backbone = student.backbone(pretrained=False).eval()
    head = torch.nn.Linear(backbone.num_features, 3)
    names = ["a", "b", "c"]
    tensors, recipe = student.export(backbone.state_dict(), head.state_dict(), names)
    assert json.loads(json.dumps(recipe)) == recipe
    assert recipe["format"] == "timm"
    assert (recipe["classes"], recipe["num_classes"]) == (names, 3)
    assert (recipe["architecture"], recipe["arguments"]) == (architecture, arguments)
    assert recipe["mean"] == list(student.normalisation()[0])

    save_file(tensors, tmp_path / "student.safetensors")
    plain = timm.create_model(recipe["architecture"], num_classes=3, **recipe["arguments"]).eval()
    plain.load_state_dict(load_file(tmp_path / "student.safetensors"))
    side = arguments.get("img_size", 160)
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        assert torch.allclose(plain(images), head(backbone(images)), atol=1e-5)
    told = {"PATH": str(tmp_path / "student.safetensors")}
    exec(recipe["how_to_load"], told)
    with torch.no_grad():
        assert torch.equal(told["model"](images), plain(images))


@pytest.mark.slow
def test_heads_that_plain_timm_does_not_have_are_exported_as_ours():
    student = make("repvit_m0_9", pretrained=False)
    backbone = student.backbone(pretrained=False)
    head = torch.nn.Linear(backbone.num_features, 3)
    tensors, recipe = student.export(backbone.state_dict(), head.state_dict(), ["a", "b", "c"])
    assert recipe["format"] == "distbench"
    assert {"head.weight", "head.bias"} < set(tensors)


# --- real data ----------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "real").is_dir(), reason="the shared real weights are absent")
def test_the_real_student():
    file = SHARED / "real" / "student" / "mobilenetv2_035-imagenet.safetensors"
    arguments = {"pad_type": "same", "bn_eps": 0.001}
    backbone = make("mobilenetv2_035", weights=file, arguments=arguments).backbone(pretrained=True)
    assert backbone.num_features == 1280
    assert sum(p.numel() for p in backbone.parameters()) < 500_000
