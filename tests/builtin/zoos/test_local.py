"""Local zoos: manifest, size and cost, timm and ONNX sources."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distbench import WeightsError
from distbench.engine.stages.source_checks import checked_outputs
from distbench.plugins.registry import registry
from distbench_builtin.shared.caching import facts as _facts
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.zoos.local import LocalZoo

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
CPU = torch.device("cpu")

TIMM = """
[[models]]
name = "small"
format = "timm"
file = "small.safetensors"
architecture = "test_resnet"
num_classes = 7
input_size = 32
trained_on = "shapes"
"""

ONNX = """
[[models]]
name = "graph"
format = "onnx"
file = "graph.onnx"
num_classes = 5
feature_dim = 4
input_size = 8
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
trained_on = ["dots", "lines"]
"""


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_digests, "_known", {})


def save_timm(file: Path, architecture: str = "test_resnet", classes: int = 7, **arguments):
    """Random float16 weights; the model in float32 with just these weights."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = timm.create_model(architecture, num_classes=classes, **arguments).eval()
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    save_file(state, file)
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return model


def save_onnx(file: Path, batch: int | str = "b", side: int = 8, twice: bool = False):
    """Conv (3 to 4, 3 x 3), ReLU, global average, Gemm (4 to 5)."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    matrix = rng.normal(size=(5, 4)).astype(np.float32)

    def trunk(tag: str):
        return [
            helper.make_node("Conv", ["images", "k"], [f"c{tag}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{tag}"], [f"r{tag}"]),
            helper.make_node("GlobalAveragePool", [f"r{tag}"], [f"g{tag}"]),
        ]

    graph = helper.make_graph(
        [
            *trunk(""),
            *(trunk("2") if twice else []),
            helper.make_node("Flatten", ["g2" if twice else "g"], ["flat"]),
            helper.make_node("Gemm", ["flat", "m"], ["logits"], transB=1),
            helper.make_node("ArgMax", ["logits"], ["best"], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, side, side])],
        [
            helper.make_tensor_value_info("g", TensorProto.FLOAT, [batch, 4, 1, 1]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 5]),
            helper.make_tensor_value_info("best", TensorProto.INT64, [batch, 1]),
        ],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(matrix, "m")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, file)
    return torch.from_numpy(kernel), torch.from_numpy(matrix)


def zoo(folder: Path, *models: str, head: str = 'name = "mine"\nversion = 1\n') -> LocalZoo:
    folder.mkdir(exist_ok=True)
    (folder / "zoo.toml").write_text(head + "".join(models))
    return LocalZoo(path=folder)


def onnx_table(outputs: str = '["g", "logits"]', **changes: str) -> str:
    text = ONNX + f"outputs = {outputs}\n"
    for key, value in changes.items():
        lines = [line for line in text.splitlines() if not line.startswith(f"{key} =")]
        text = "\n".join([*lines, f"{key} = {value}" if value else "", ""])
    return text


def refused(made: LocalZoo, where: str = "zoo.toml") -> str:
    with pytest.raises(WeightsError) as caught:
        made.sources()
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert where in str(caught.value)
    return str(caught.value)


# --- timm sources -------------------------------------------------------------------------------


def test_timm_source_gives_what_plain_timm_gives(tmp_path):
    model = save_timm(tmp_path / "small.safetensors")
    (source,) = zoo(tmp_path, TIMM).sources()
    info = source.info
    assert (info.name, info.architecture, info.feature_dim) == ("small", "test_resnet", 96)
    assert info.parameters == sum(p.numel() for p in model.parameters())
    assert (info.trained_on, info.role, info.activation) == (("shapes",), "source", "softmax")
    data = (tmp_path / "small.safetensors").read_bytes()
    assert info.fingerprint == hashlib.sha256(data).hexdigest()

    images = torch.randn(3, 3, 32, 32)
    features, logits = source.open(CPU)(images)
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(images), pre_logits=True)
        assert torch.equal(features, expected)
        assert torch.equal(logits, model(images))
        assert torch.allclose(logits, model.fc(features), atol=1e-5)
    assert features.dtype == logits.dtype == torch.float32
    assert not features.requires_grad
    source.verify()

    module = source.module()
    assert torch.equal(module(images), logits)
    assert all(p.requires_grad for p in module.parameters())
    assert source.module() is not module


def test_macs_of_a_known_architecture(tmp_path):
    table = (
        TIMM.replace("test_resnet", "resnet18").replace("= 7", "= 1000").replace("= 32", "= 224")
    )
    (tmp_path / "small.safetensors").write_bytes(b"not looked into")
    (source,) = zoo(tmp_path, table).sources()
    assert source.info.macs == 1_814_073_344
    assert source.info.parameters == 11_689_512
    assert source.info.feature_dim == 512


def test_facts_of_the_manifest_win(tmp_path, monkeypatch):
    monkeypatch.setattr(_facts, "remembered", lambda *_: pytest.fail("looked up"))
    (tmp_path / "small.safetensors").write_bytes(b"x")
    given = 'feature_dim = 3\nparameters = 4\nmacs = 5\ndepth = 6\nrole = "generalist"\n'
    given += 'mean = [0, 0, 0]\nstd = [1, 1, 1]\ninterpolation = "bilinear"\n'
    (source,) = zoo(tmp_path, TIMM, given).sources()
    info = source.info
    assert (info.feature_dim, info.parameters, info.macs, info.depth) == (3, 4, 5, 6)
    assert info.role == "generalist"


def test_arguments_reach_the_architecture(tmp_path):
    model = save_timm(tmp_path / "small.safetensors", in_args := "test_efficientnet", bn_eps=0.1)
    table = TIMM.replace("test_resnet", in_args) + "arguments = { bn_eps = 0.1 }\n"
    (source,) = zoo(tmp_path, table).sources()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(source.open(CPU)(images)[1], model(images))


def test_weights_that_do_not_fit(tmp_path):
    save_timm(tmp_path / "small.safetensors", classes=9)
    (source,) = zoo(tmp_path, TIMM).sources()
    with pytest.raises(WeightsError, match=r"of other shape fc.weight \(9, 96\) for \(7, 96\)"):
        source.open(CPU)
    save_timm(tmp_path / "small.safetensors", "test_efficientnet")
    with pytest.raises(WeightsError, match=r"missing conv1.* left over .* and .* more"):
        source.module()
    (tmp_path / "small.safetensors").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"cannot read the weights .*small\.safetensors"):
        source.open(CPU)


def test_wrong_feature_dim_is_found_out(tmp_path):
    save_timm(tmp_path / "small.safetensors")
    (source,) = zoo(tmp_path, TIMM, "feature_dim = 95\n").sources()
    with pytest.raises(WeightsError, match=r"shape \(1, 96\) for 1 images; its feature_dim = 95"):
        checked_outputs(source.info, source.open(CPU), torch.zeros(1, 3, 32, 32))


def test_nothing_is_unpickled(tmp_path):
    torch.save({"state_dict": Path("x")}, tmp_path / "small.pth")
    (source,) = zoo(tmp_path, TIMM.replace(".safetensors", ".pth")).sources()
    with pytest.raises(WeightsError, match=r"hold more than tensors.*as safetensors"):
        source.open(CPU)
    state = timm.create_model("test_resnet", num_classes=7).state_dict()
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "small.pth")
    assert source.module() is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("test_resnet", "test_resnets"),
            "no architecture 'test_resnets'. Did you mean 'test_resnet",
        ),
        (('"test_resnet"', '"resnet18.nonsense"'), "no weights 'nonsense' of 'resnet18'"),
        (("input_size = 32", "input_size = 32\narguments = { foo = 1 }"), "refuses its arguments"),
        (
            ("input_size = 32", "input_size = 32\narguments = { checkpoint_path = 'x' }"),
            "checkpoint_path is set by distbench",
        ),
        (("test_resnet", "vit_tiny_patch16_224"), "does not take images of 32 x 32 pixels"),
    ],
)
def test_architectures_that_cannot_be_made(tmp_path, change, message):
    (tmp_path / "small.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError) as caught:
        zoo(tmp_path, TIMM.replace(*change)).sources()
    assert message in str(caught.value)


def test_planning_with_warm_caches_imports_no_torch(tmp_path):
    save_timm(tmp_path / "small.safetensors")
    first = zoo(tmp_path, TIMM).sources()[0].info
    code = (
        "import sys; from pathlib import Path; from distbench_builtin.zoos.local import LocalZoo; "
        "info = LocalZoo(path=Path(sys.argv[1])).sources()[0].info; "
        "print(info.model_dump_json(), {'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{first.model_dump_json()} set()"


# --- ONNX sources -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", ["b", 2])
def test_onnx_source(tmp_path, batch):
    kernel, matrix = save_onnx(tmp_path / "graph.onnx", batch)
    (source,) = zoo(tmp_path, onnx_table()).sources()
    info = source.info
    assert (info.parameters, info.macs) == (4 * 27 + 20, 4 * 27 * 64 + 20)
    assert info.trained_on == ("dots", "lines")
    assert source.module() is None
    source.verify()

    images = torch.randn(5, 3, 8, 8)
    features, logits = source.open(CPU)(images)
    expected = torch.conv2d(images, kernel, padding=1).relu().mean((2, 3))
    assert torch.allclose(features, expected, atol=1e-5)
    assert torch.allclose(logits, expected @ matrix.T, atol=1e-5)
    assert (features.shape, logits.shape) == ((5, 4), (5, 5))


def test_a_trunk_written_twice_counts_once(tmp_path):
    save_onnx(tmp_path / "graph.onnx", twice=True)
    (source,) = zoo(tmp_path, onnx_table()).sources()
    assert source.info.macs == 4 * 27 * 64 + 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": '"pixels"'}, "takes images; its manifest says input = 'pixels'"),
        ({"outputs": '["g", "scores"]'}, "has no output 'scores'; it has g, logits, best"),
        ({"input_size": "9"}, r"takes images of shape ['b', 3, 8, 8]"),
        ({"num_classes": "6"}, "gives logits of shape (2, 5) for 2 images; its num_classes = 6"),
        ({"feature_dim": "3"}, "gives features of shape (2, 4) for 2 images; its feature_dim = 3"),
        (
            {"outputs": '["g", "best"]'},
            "output 'best' is tensor(int64); name one of floating-point",
        ),
    ],
)
def test_onnx_that_is_not_as_declared(tmp_path, changes, message):
    save_onnx(tmp_path / "graph.onnx")
    (source,) = zoo(tmp_path, onnx_table(**changes)).sources()
    side = source.info.input_size
    with pytest.raises(WeightsError) as caught:
        checked_outputs(source.info, source.open(CPU), torch.zeros(2, 3, side, side))
    assert message in str(caught.value)
    assert "'graph'" in str(caught.value)


def test_facts_that_contradict_each_other_are_named(tmp_path):
    save_onnx(tmp_path / "graph.onnx")
    with pytest.raises(WeightsError, match="source 'graph': softmax over one class is always 1"):
        zoo(tmp_path, onnx_table(num_classes="1")).sources()


def test_onnx_that_is_none(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"junk")
    (source,) = zoo(tmp_path, onnx_table()).sources()
    assert source.info.macs is None
    with pytest.raises(WeightsError, match=r"cannot open the ONNX graph .*graph\.onnx"):
        source.open(CPU)


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * 'a'}\nsize 9\n"


@pytest.mark.parametrize("table", [TIMM, ONNX])
def test_a_clone_without_its_large_files_is_named(tmp_path, table):
    for name in ("small.safetensors", "graph.onnx"):
        (tmp_path / name).write_text(POINTER)
    with pytest.raises(WeightsError, match=r"model '.*': .* stands for a file of Git LFS"):
        zoo(tmp_path, table).sources()


def test_a_graph_whose_weights_are_not_in_the_clone_is_named(tmp_path):
    save_external(tmp_path)
    (tmp_path / "k").write_text(POINTER)
    with pytest.raises(WeightsError, match=r"k stands for a file of Git LFS .*`git lfs pull`"):
        zoo(tmp_path, onnx_table()).sources()


def save_external(folder: Path, value: float = 1.0) -> None:
    """A graph whose weights lie beside it, some of them in a node and one in an inner graph."""
    import onnx

    save_onnx(folder / "whole.onnx")
    model = onnx.load(folder / "whole.onnx")
    for tensor in model.graph.initializer:
        array = np.full(tuple(tensor.dims), value, np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    (folder / "whole.onnx").unlink()
    onnx.save(
        model,
        folder / "graph.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=False,
        size_threshold=0,
    )


def test_weights_beside_a_graph_are_in_its_fingerprint(tmp_path):
    save_external(tmp_path)
    graph = (tmp_path / "graph.onnx").read_bytes()
    (source,) = zoo(tmp_path, onnx_table()).sources()
    source.verify()
    before = source.info.fingerprint
    weights = sorted(f for f in tmp_path.iterdir() if f.name in ("k", "m"))
    assert len(weights) == 2
    for file in weights:
        kept = file.read_bytes()
        file.write_bytes(b"\0" * 4 + kept[4:])
        assert (tmp_path / "graph.onnx").read_bytes() == graph
        with pytest.raises(WeightsError, match=r"graph\.onnx is not what the manifest declares"):
            source.verify()
        assert zoo(tmp_path, onnx_table()).sources()[0].info.fingerprint != before
        file.write_bytes(kept)
    assert zoo(tmp_path, onnx_table()).sources()[0].info.fingerprint == before


def test_a_digest_of_the_graph_alone_does_not_vouch_for_its_weights(tmp_path):
    save_external(tmp_path)

    def sha(name):
        return hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()

    declared = f'sha256 = "{sha("graph.onnx")}"\n'
    message = refused(zoo(tmp_path, onnx_table(), declared), "source 'graph'")
    assert 'goes weights_sha256 = { "k" = "...", "m" = "..." } in the manifest' in message
    weights = f'weights_sha256 = {{ k = "{sha("k")}", m = "{sha("m")}" }}\n'
    (source,) = zoo(tmp_path, onnx_table(), declared, weights).sources()
    source.verify()
    (tmp_path / "m").write_bytes(b"\0" * (tmp_path / "m").stat().st_size)
    (source,) = zoo(tmp_path, onnx_table(), declared, weights).sources()
    with pytest.raises(WeightsError, match="is not what the manifest declares"):
        source.verify()


def test_weights_beside_a_graph_that_are_not_there(tmp_path):
    save_external(tmp_path)
    (tmp_path / "m").unlink()
    message = refused(zoo(tmp_path, onnx_table()), "source 'graph'")
    assert "keeps weights in 'm', which is missing beside it" in message


@pytest.mark.parametrize("name", ["../m", "/dev/zero", "a/../../m"])
def test_weights_outside_the_folder_of_a_graph_are_not_read(tmp_path, name):
    import onnx

    folder = tmp_path / "zoo"
    folder.mkdir()
    save_external(folder)
    model = onnx.load(folder / "graph.onnx", load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = name if entry.key == "location" else entry.value
    (folder / "graph.onnx").write_bytes(model.SerializeToString())
    message = refused(zoo(folder, onnx_table()), "source 'graph'")
    assert f"keeps weights in {name!r}, outside its folder" in message


def save_outputs(file: Path, features: tuple[str, ...], nodes: list) -> None:
    """A graph whose features come from the mean colours (b, 3) through some nodes."""
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Identity", ["flat"], ["logits"]),
            *nodes,
        ],
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["b", 3, 8, 8])],
        [
            helper.make_tensor_value_info("g", TensorProto.FLOAT, features),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 3]),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=8), file)


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize(
    ("shape", "how", "fits"),
    [
        ((3, "b"), ("Transpose", ["flat"], {"perm": [1, 0]}), False),
        (("b", 3, 8, 8), ("Identity", ["images"], {}), False),
        (("b", 3, 1, 1), ("Identity", ["pooled"], {}), True),
    ],
)
def test_outputs_of_other_shapes_are_not_guessed_at(tmp_path, count, shape, how, fits):
    from onnx import helper

    kind, given, more = how
    save_outputs(tmp_path / "graph.onnx", shape, [helper.make_node(kind, given, ["g"], **more)])
    (source,) = zoo(tmp_path, onnx_table(feature_dim="3", num_classes="3")).sources()
    images = torch.rand(count, 3, 8, 8)
    forward = source.open(CPU)
    if fits or (count == 3 and kind == "Transpose"):  # told apart by `check_source`
        assert forward(images)[0].shape == (count, 3)
        return
    message = f"output 'g' has shape .* for {count} images; .* is wanted"
    with pytest.raises(WeightsError, match=message):
        forward(images)


# --- normalisation ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["vit_tiny_patch16_224", "test_resnet", "tf_mixnet_s"])
def test_images_are_those_that_a_timm_architecture_takes(tmp_path, architecture):
    (tmp_path / "small.safetensors").write_bytes(b"x")
    cfg = timm.models.get_pretrained_cfg(architecture)
    table = TIMM.replace("test_resnet", architecture).replace("input_size = 32\n", "")
    (source,) = zoo(tmp_path, table).sources()
    info = source.info
    assert (info.mean, info.std) == (cfg.mean, cfg.std)
    assert (info.input_size, info.interpolation) == (cfg.input_size[1], cfg.interpolation)


def test_images_are_those_that_a_torchvision_architecture_takes(tmp_path):
    from torchvision import models

    (tmp_path / "small.safetensors").write_bytes(b"x")
    table = TIMM.replace("test_resnet", "googlenet").replace('"timm"', '"torchvision"')
    (source,) = zoo(tmp_path, table.replace("input_size = 32\n", "")).sources()
    shown = models.GoogLeNet_Weights.DEFAULT.transforms()
    assert (list(source.info.mean), list(source.info.std)) == (shown.mean, shown.std)
    assert source.info.input_size == shown.crop_size[0]


@pytest.mark.slow
@pytest.mark.parametrize("says", ["nothing", "false", "half"])
@pytest.mark.parametrize("architecture", ["googlenet", "inception_v3"])
def test_networks_that_undo_a_normalisation(tmp_path, architecture, says):
    """Weights fine-tuned from published ones need `transform_input`, which no file tells."""
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(0)
    model = models.get_model(
        architecture,
        weights=None,
        num_classes=7,
        transform_input=says == "nothing",
        aux_logits=False,
        init_weights=True,
    ).eval()
    save_file(model.state_dict(), tmp_path / "small.safetensors")
    table = TIMM.replace("test_resnet", architecture).replace('"timm"', '"torchvision"')
    more = {
        "nothing": "",
        "false": "arguments = { transform_input = false }\n",
        "half": "mean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n",
    }
    side = 96 if architecture == "inception_v3" else 32
    table = table.replace("input_size = 32", f"input_size = {side}")
    (source,) = zoo(tmp_path, table, more[says]).sources()
    images = torch.rand(2, 3, side, side)
    with torch.no_grad():
        assert torch.allclose(source.open(CPU)(images)[1], model(images), atol=1e-5)


@pytest.mark.parametrize("key", ["mean", "std"])
def test_a_graph_says_how_its_images_are_normalised(tmp_path, key):
    (tmp_path / "graph.onnx").write_bytes(b"x")
    assert f"'{key}' is missing" in refused(zoo(tmp_path, onnx_table(**{key: None})))


# --- manifest -----------------------------------------------------------------------------------


def test_verify_compares_with_the_declared_digest(tmp_path):
    save_timm(tmp_path / "small.safetensors")
    found = hashlib.sha256((tmp_path / "small.safetensors").read_bytes()).hexdigest()
    (source,) = zoo(tmp_path, TIMM, f'sha256 = "{found}"\n').sources()
    assert source.info.fingerprint == found
    source.verify()

    declared = "0123456789abcdef" * 4
    (source,) = zoo(tmp_path, TIMM, f'sha256 = "{declared}"\n').sources()
    assert source.info.fingerprint == declared
    with pytest.raises(WeightsError) as caught:
        source.verify()
    message = str(caught.value)
    assert str(tmp_path / "small.safetensors") in message
    assert f"its SHA-256 is {found[:12]}..., declared is 0123456789ab...; fetch" in message
    (tmp_path / "small.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"cannot be read from .*: No such file"):
        source.verify()


def test_order_name_and_path_of_the_manifest(tmp_path):
    for name in ("small.safetensors", "graph.onnx"):
        (tmp_path / name).write_bytes(b"x")
    twin = TIMM.replace('"small"', '"second"')
    made = zoo(tmp_path, onnx_table(), TIMM, twin)
    assert [s.info.name for s in made.sources()] == ["graph", "small", "second"]
    whole = registry().make("zoo", "local:path=zoo.toml", base=tmp_path)
    assert [s.info.name for s in whole.sources()] == ["graph", "small", "second"]
    assert whole.identity() == {"name": "local", "version": 1, "params": {}}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TIMM + 'colour = "red"\n', "model 'small': unknown key 'colour'. Known are name, file"),
        (TIMM + "activ = 1\n", "model 'small': unknown key 'activ'. Did you mean 'activation'?"),
        (TIMM.replace("num_classes = 7\n", ""), "model 'small': 'num_classes' is missing"),
        (
            TIMM.replace('"timm"', '"keras"'),
            "format = 'keras' is not known; it is 'timm', 'torchvision' or 'onnx'",
        ),
        (
            TIMM.replace('format = "timm"\n', ""),
            "'format' is missing; it is 'timm', 'torchvision' or 'onnx'",
        ),
        (TIMM.replace("= 7", "= 0"), "num_classes=0 will not do: Input should be greater than 0"),
        (TIMM.replace('"test_resnet"', '"hf-hub:a/b"'), "architecture='hf-hub:a/b' will not do"),
        (TIMM + 'sha256 = "abc"\n', "sha256='abc' will not do"),
        (TIMM + TIMM, "two models are named 'small'; rename one"),
        (TIMM.replace('name = "small"\n', ""), "model 'number 1': 'name' is missing"),
        (TIMM.replace("small.safe", "none.safe"), "none.safetensors is missing; mend 'file'"),
        (onnx_table().replace("feature_dim = 4\n", ""), "model 'graph': 'feature_dim' is missing"),
        ("", "'models' is missing"),
        ("owner = 1\n" + TIMM, "unknown key 'owner'. Known are name, version, models"),
        ("= broken", "is no valid TOML"),
    ],
)
def test_manifests_that_are_wrong(tmp_path, table, message):
    (tmp_path / "small.safetensors").write_bytes(b"x")
    assert message in refused(zoo(tmp_path, table))


def test_manifest_that_is_missing(tmp_path):
    assert "no zoo manifest at" in refused(LocalZoo(path=tmp_path))
    assert "no zoo manifest at" in refused(LocalZoo(path=tmp_path / "else" / "zoo.toml"))


# --- real data ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "real").is_dir(), reason="the shared real zoo is absent")
def test_the_real_zoo():
    sources = {s.info.name: s for s in LocalZoo(path=SHARED / "real" / "zoo").sources()}
    assert len(sources) == 10
    assert sources["imagenet-mobilenetv2"].info.feature_dim == 1280
    for name in ("imagenet-mobilenetv2", "cifar10-resnet8"):
        source, info = sources[name], sources[name].info
        source.verify()
        side = info.input_size
        features, logits = source.open(CPU)(torch.zeros(2, 3, side, side))
        assert features.shape == (2, info.feature_dim)
        assert logits.shape == (2, info.num_classes)
    if importlib.util.find_spec("onnx"):
        # What is published of these networks.
        assert sources["cifar10-resnet20"].info.macs == 40_551_040
        assert sources["imagenet-squeezenet"].info.macs == 818_924_576
