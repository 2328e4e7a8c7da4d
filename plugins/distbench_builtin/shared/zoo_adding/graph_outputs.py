"""The features of an ONNX classifier: what its last layer with weights is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from distbench import WeightsError

_AFTER = ("Softmax", "LogSoftmax", "Sigmoid")
"""What makes probabilities of logits."""
_THROUGH = (
    *("Identity", "Flatten", "Reshape", "Squeeze", "Cast", "Dropout", "ReduceMean"),
    *("GlobalAveragePool", "Relu"),
)
"""What may stand between a classifier and its logits; the last two below a convolution's."""
_CLASSIFIERS = ("Gemm", "MatMul", "Conv")
_STEPS = 12
_SHOWN = 5


@dataclass(frozen=True)
class Ends:
    """Tensors of a graph that a source gives.

    Attributes:
        features: What the classifier is given.
        logits: What it gives.
        several: Whether each class was given a sigmoid of its own.
        maps: Whether the features are maps that have to be averaged, below a convolution.
    """

    features: str
    logits: str
    several: bool = False
    maps: bool = False


def ends_of(graph: Any, shown: str) -> Ends:
    """Finds features and logits of a classifier's graph.

    Args:
        graph: An `onnx.GraphProto`.
        shown: What it is, for messages.

    Raises:
        WeightsError: It has several outputs, or its end is not understood.
    """
    offered = [value.name for value in graph.output]
    if {"features", "logits"} <= set(offered):
        return Ends("features", "logits")
    if len(offered) != 1:
        raise WeightsError(
            f"{shown} has outputs {', '.join(offered)}; say which are its features and its logits: "
            "--outputs FEATURES,LOGITS"
        )
    by_output = {name: node for node in graph.node for name in node.output}
    logits, last = _before_probabilities(offered[0], by_output)
    node = _classifier(logits, by_output, {t.name for t in graph.initializer})
    if node is None:
        inner = ", ".join(name for node in graph.node[-_SHOWN:] for name in node.output)
        raise WeightsError(
            f"{shown} does not end in a Gemm, a MatMul or a convolution with weights of its own, "
            "so that its features cannot be told; name them and the logits with --outputs "
            f"FEATURES,LOGITS, two tensors of the graph (the last ones are {inner})"
        )
    return Ends(str(node.input[0]), logits, last == "Sigmoid", node.op_type == "Conv")


def pooled(model: Any, ends: Ends) -> Ends:
    """Averages maps of features over the image, in place."""
    import onnx

    name = f"{ends.features}_pooled"
    model.graph.node.append(onnx.helper.make_node("GlobalAveragePool", [ends.features], [name]))
    return replace(ends, features=name, maps=False)


def with_outputs(model: Any, ends: Ends, shown: str) -> None:
    """Makes features and logits the outputs of a graph, in place.

    Raises:
        WeightsError: It has no such tensor.
    """
    import onnx

    graph = model.graph
    known = {name for node in graph.node for name in node.output}
    for name in (ends.features, ends.logits):
        if name not in known:
            raise WeightsError(f"{shown} has no tensor {name!r}; mend --outputs")
    types = {v.name: v for v in (*graph.value_info, *graph.output)}
    wanted = [types.get(n, onnx.ValueInfoProto(name=n)) for n in (ends.features, ends.logits)]
    held = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in wanted]
    del graph.output[:]
    graph.output.extend(held)


def _before_probabilities(name: str, by_output: Mapping[str, Any]) -> tuple[str, str]:
    """The logits below a last softmax or sigmoid, and which of them it was."""
    inner = name
    for _ in range(_STEPS):
        node = by_output.get(inner)
        if node is None or node.op_type not in (*_AFTER, *_THROUGH):
            break
        if node.op_type in _AFTER:
            return str(node.input[0]), str(node.op_type)
        inner = node.input[0]
    return name, ""


def _classifier(logits: str, by_output: Mapping[str, Any], constants: set[str]) -> Any | None:
    """The last layer with weights; None where logits are made otherwise."""
    name = logits
    for _ in range(_STEPS):
        node = by_output.get(name)
        if node is None:
            return None
        if node.op_type in _CLASSIFIERS:
            weights = [_origin(given, by_output) in constants for given in node.input[:2]]
            return node if weights == [False, True] else None
        if node.op_type == "Add":  # a bias
            moving = [n for n in node.input if _origin(n, by_output) not in constants]
            if len(moving) != 1:
                return None
            name = moving[0]
        elif node.op_type in _THROUGH:
            name = node.input[0]
        else:
            return None
    return None


def _origin(name: str, by_output: Mapping[str, Any]) -> str:
    """What a constant is made of: some exporters transpose, cast or dequantise weights."""
    while (node := by_output.get(name)) is not None and node.op_type in (
        *("Transpose", "Cast", "Identity", "DequantizeLinear"),
    ):
        name = node.input[0]
    return name
