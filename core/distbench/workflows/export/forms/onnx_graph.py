"""A student as an ONNX graph, from stored pixels to logits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.errors import UsageError
from distbench.interfaces.classifier import Classifier
from distbench.workflows.export.forms.onnx_front import OPSET, scaled_graph, square_graph
from distbench.workflows.export.forms.reasons import innermost
from distbench.workflows.export.preprocessing import Preprocessing
from distbench.workflows.export.student import seeing


def network_graph(
    model: Classifier,
    images: torch.Tensor,
    views: tuple[Sequence[str], str] | None = None,
    *,
    half: bool = False,
) -> Any:
    """The graph of a network, an `onnx.ModelProto`, from ``images`` to ``logits``.

    A batch may have any size. What torch notes of each operation, the places of its code on this
    machine among it, is left out.

    Args:
        model: The student, in evaluation mode on the CPU.
        images: Some that it could be given, float32 (b, 3, s, s), b > 1.
        views: Names of views that it averages over, and what their mean is of; None for one.
        half: Whether weights and operations are of 16 bits; images and logits are not.

    Raises:
        UsageError: torch makes no graph of it.
    """
    network = seeing(nn.Sequential(model.backbone, model.head), views)
    if half:
        network = _Half(deepcopy(network))
    network.eval().to(memory_format=torch.contiguous_format)
    try:
        with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own, on what it will change
            program = torch.onnx.export(
                network,
                (images,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                verbose=False,
            )
        if program is None:
            raise RuntimeError("it gave none")
    except Exception as error:  # an architecture may refuse it in every way there is
        raise UsageError(
            f"torch makes no ONNX graph of the student ({innermost(error)}); use --to torch, or "
            "mend its backbone"
        ) from error
    return _plain(program.model_proto)


def graph_of(network: Any, steps: Preprocessing, *, whole: bool = False) -> Any:
    """The graph of a student, an `onnx.ModelProto`, from ``pixels`` or one ``image`` to ``logits``.

    Args:
        network: The graph of its network.
        steps: How it is given images.
        whole: Whether it takes one image of any size in place of stored squares.
    """
    from onnx.compose import add_prefix, merge_models

    fronts = [scaled_graph(steps), *([square_graph(steps)] if whole else [])]
    graph, between = network, "images"
    for number, front in enumerate(fronts):
        front.ir_version = graph.ir_version
        own = add_prefix(front, f"front_{number}_", rename_inputs=False, rename_outputs=False)
        graph = merge_models(own, graph, io_map=[(between, between)])
        between = "pixels"
    graph.producer_name = "distbench"
    return graph


class _Half(nn.Module):
    """A network with weights and operations of 16 bits, between images and logits of 32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images.half()).float()
        return logits


def _plain(model: Any) -> Any:
    """The graph without notes."""
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del noted.metadata_props[:]
    for noted in (graph, *graph.node):
        noted.doc_string = ""
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    return model


def logits_of(graph: Path, pixels: torch.Tensor) -> NDArray[np.float32]:
    """What a graph says of stored images, (b, c): the first alone, then the others together."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    parts = [part for part in (pixels[:1], pixels[1:]) if len(part)]
    return np.concatenate([session.run(None, {"pixels": part.numpy()})[0] for part in parts])
