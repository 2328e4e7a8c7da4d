"""ONNX classifiers that join a local zoo: their features are found in the graph."""

from __future__ import annotations

import pytest

from distbench import UsageError, WeightsError
from distbench.plugins.registry import registry
from distbench.workflows.zoos.add_source import add_source, folder_zoo
from distbench_builtin.shared.caching import file_digests as _digests
from distbench_builtin.zoos.local import LocalZoo

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

KNOWN = {"normalise": "none", "trained_on": "unknown", "licence": "MIT"}


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_digests, "_known", {})


def classifier(file, end: str, side: int | str = 8, batch: int | str = "batch", external=False):
    """Convolution to 4 features, and a classifier of 3 classes below some end."""
    draw = np.random.default_rng(0)
    tensor, node = onnx.numpy_helper.from_array, onnx.helper.make_node
    convolution = draw.normal(size=(4, 3, 3, 3)).astype(np.float32)
    weights = draw.normal(size=(3, 4)).astype(np.float32)
    constants = [tensor(convolution, "kernels")]
    nodes = [node("Conv", ["input", "kernels"], ["maps"], pads=[1, 1, 1, 1])]
    if end == "conv":
        constants.append(tensor(weights[:, :, None, None], "weights"))
        nodes += [
            node("Conv", ["maps", "weights"], ["classes"]),
            node("GlobalAveragePool", ["classes"], ["pooled"]),
            node("Flatten", ["pooled"], ["out"]),
        ]
    else:
        nodes += [
            node("GlobalAveragePool", ["maps"], ["pooled"]),
            node("Flatten", ["pooled"], ["flat"]),
        ]
        if end == "matmul":
            constants += [tensor(weights, "weights"), tensor(np.ones(3, np.float32), "bias")]
            nodes += [
                node("Transpose", ["weights"], ["turned"], perm=[1, 0]),
                node("MatMul", ["flat", "turned"], ["product"]),
                node("Add", ["product", "bias"], ["out"]),
            ]
        elif end == "norm":
            nodes.append(node("Softplus", ["flat"], ["out"]))
        else:
            constants.append(tensor(weights, "weights"))
            nodes.append(node("Gemm", ["flat", "weights"], ["scores"], transB=1))
            nodes.append(
                node({"softmax": "Softmax", "sigmoid": "Sigmoid"}[end], ["scores"], ["out"])
            )
    image, floats = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "classifier",
        [image("input", floats, [batch, 3, side, side])],
        [image("out", floats, [batch, None])],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    more = {"save_as_external_data": True, "location": "w.data", "size_threshold": 0}
    onnx.save(model, file, **(more if external else {}))
    return convolution, weights


def add(tmp_path, file, **facts):
    return add_source(folder_zoo(registry(), tmp_path / "zoo"), file, {**KNOWN, **facts}, None)


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("end", ["softmax", "sigmoid", "matmul", "conv"])
def test_what_the_classifier_is_given_are_the_features(tmp_path, end, external) -> None:
    convolution, weights = classifier(tmp_path / "own.onnx", end, external=external)
    info = add(tmp_path, tmp_path / "own.onnx")
    assert (info.num_classes, info.feature_dim, info.input_size) == (3, 4, 8)
    assert info.activation == ("sigmoid" if end == "sigmoid" else "softmax")
    images = torch.rand(2, 3, 8, 8)
    maps = torch.nn.functional.conv2d(images, torch.from_numpy(convolution), padding=1)
    wanted = maps.mean((2, 3))
    (source,) = LocalZoo(path=tmp_path / "zoo").sources()
    features, logits = source.open(torch.device("cpu"))(images)
    torch.testing.assert_close(features, wanted)
    bias = 1.0 if end == "matmul" else 0.0
    torch.testing.assert_close(logits, wanted @ torch.from_numpy(weights).T + bias)


def test_free_sizes_are_asked_for_and_a_fixed_batch_will_do(tmp_path) -> None:
    classifier(tmp_path / "free.onnx", "softmax", side="side")
    with pytest.raises(UsageError, match="--input-size  side"):
        add(tmp_path, tmp_path / "free.onnx")
    assert add(tmp_path, tmp_path / "free.onnx", input_size="16").input_size == 16
    classifier(tmp_path / "one.onnx", "softmax", batch=1)
    assert add(tmp_path, tmp_path / "one.onnx").num_classes == 3


def test_an_end_that_is_not_understood_says_how_to_name_it(tmp_path) -> None:
    classifier(tmp_path / "own.onnx", "norm")
    with pytest.raises(
        WeightsError, match=r"--outputs FEATURES,LOGITS, .* maps, pooled, flat, out"
    ):
        add(tmp_path, tmp_path / "own.onnx")
    with pytest.raises(WeightsError, match="has no tensor 'nothing'"):
        add(tmp_path, tmp_path / "own.onnx", outputs="flat,nothing")
    assert add(tmp_path, tmp_path / "own.onnx", outputs="flat,out").feature_dim == 4
