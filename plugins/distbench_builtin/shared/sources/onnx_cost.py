"""Size and cost of an ONNX graph, read off its shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.caching.file_digests import file_digest

_COUNTED = ("Conv", "Gemm", "MatMul")


class GraphFacts(TypedDict):
    """What a graph costs; None where its shapes do not tell.

    Attributes:
        parameters: Floating-point numbers among its initial values.
        macs: Multiply-accumulates of one image in Conv, Gemm and MatMul.
    """

    parameters: int | None
    macs: int | None


def graph_facts(file: Path, input_name: str, input_size: int) -> GraphFacts:
    """Counts a graph once and remembers it by the file's content.

    Raises:
        OSError: The file cannot be read.
    """
    key = {"file": file_digest(file), "input": input_name, "size": input_size}
    facts = remembered("onnx-size", key, lambda: dict(_count(file, input_name, input_size)))
    return cast("GraphFacts", facts)


def _count(file: Path, input_name: str, input_size: int) -> GraphFacts:
    import onnx

    parameters: int | None = None
    try:
        model = onnx.load(str(file), load_external_data=False)
        parameters = _parameters(model.graph)
        image = _fix_input(model.graph, input_name, (1, 3, input_size, input_size))
        nodes = [node for node in _distinct(model.graph) if node.op_type in _COUNTED]
        shapes = _shapes(onnx.shape_inference.infer_shapes(model, data_prop=True).graph)
        unknown = {name for node in nodes for name in _tensors(node) if name not in shapes}
        if unknown:
            shapes |= _seen_shapes(model, sorted(unknown), input_name, image)
        macs = sum(_macs(node, shapes) for node in nodes) // image[0]
    except Exception:  # a broken graph is reported when it is opened, with what is wrong
        return {"parameters": parameters, "macs": None}
    return {"parameters": parameters, "macs": macs or None}


def _parameters(graph: Any) -> int:
    from onnx import TensorProto

    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    sizes: list[int] = [math.prod(t.dims) for t in graph.initializer if t.data_type in floats]
    return sum(sizes)


def _fix_input(graph: Any, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Fills in the sizes that the graph leaves open; returns all of them."""
    dims = next(value for value in graph.input if value.name == name).type.tensor_type.shape.dim
    for dim, size in zip(dims, shape, strict=True):
        if not dim.dim_value:
            dim.dim_value = size
    return tuple(dim.dim_value for dim in dims)


def _distinct(graph: Any) -> Iterator[Any]:
    """Nodes without repetitions: exporters may write a trunk twice, which the runtime merges."""
    same: dict[str, str] = {}
    seen: dict[tuple[Any, ...], Any] = {}
    for node in graph.node:
        inputs = tuple(same.get(name, name) for name in node.input)
        attributes = tuple(sorted(a.SerializeToString() for a in node.attribute))
        twin = seen.setdefault((node.domain, node.op_type, inputs, attributes), node)
        if twin is node:
            yield node
        else:
            same.update(zip(node.output, twin.output, strict=True))


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """Shapes by name, of those that are wholly known."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def _seen_shapes(
    model: Any, names: Sequence[str], input_name: str, image: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Shapes that depend on computed values, as one run on an empty image shows them."""
    import onnx
    import onnxruntime

    offered = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in offered)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    outputs = session.run(list(names), {input_name: np.zeros(image, np.float32)})
    return {name: value.shape for name, value in zip(names, outputs, strict=True)}


def _tensors(node: Any) -> tuple[str, str]:
    """The operand whose shape tells the length of each sum, and the result."""
    return node.input[1 if node.op_type == "Conv" else 0], node.output[0]


def _macs(node: Any, shapes: Mapping[str, tuple[int, ...]]) -> int:
    operand, result = (shapes[name] for name in _tensors(node))
    if node.op_type == "Conv":
        return math.prod(result) * math.prod(operand[1:])
    turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return math.prod(result) * operand[0 if turned else -1]
