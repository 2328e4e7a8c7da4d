"""A student as an ONNX graph, from stored pixels to logits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from distbench.errors import UsageError
from distbench.interfaces.classifier import Classifier
from distbench.workflows.export.preprocessing import FromPixels, Preprocessing
from distbench.workflows.export.student import seeing

_OPSET = 18


def check_installed() -> None:
    """Refuses what cannot be done without the packages of the extra ``onnx``.

    Raises:
        UsageError: One is not installed.
    """
    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise UsageError(
                f"--to onnx needs the package {package!r}, which is not installed: "
                "pip install 'distbench[onnx]'"
            )


def graph_of(
    model: Classifier,
    steps: Preprocessing,
    pixels: torch.Tensor,
    views: tuple[Sequence[str], str] | None = None,
) -> Any:
    """The graph of a student, an `onnx.ModelProto`; a batch may have any size.

    Args:
        model: The student, in evaluation mode on the CPU.
        steps: How it is given images.
        pixels: Some stored images, uint8 (b, 3, s, s).
        views: Names of views that it averages over, and what their mean is of; None for one.

    Raises:
        UsageError: torch makes no graph of it.
    """
    network = FromPixels(seeing(nn.Sequential(model.backbone, model.head), views), steps)
    network.eval().to(memory_format=torch.contiguous_format)
    try:
        with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own, on what it will change
            program = torch.onnx.export(
                network,
                (pixels,),
                dynamo=True,
                opset_version=_OPSET,
                input_names=["pixels"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                verbose=False,
            )
        if program is None:
            raise RuntimeError("it gave none")
    except Exception as error:  # an architecture may refuse it in every way there is
        raise UsageError(
            f"torch makes no ONNX graph of the student ({_reason(error)}); use --to torch, or "
            "mend its backbone"
        ) from error
    return program.model_proto


def logits_of(graph: Path, pixels: torch.Tensor) -> NDArray[np.float32]:
    """What a graph says of stored images, (b, c): the first alone, then the others together."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    parts = [part for part in (pixels[:1], pixels[1:]) if len(part)]
    return np.concatenate([session.run(None, {"pixels": part.numpy()})[0] for part in parts])


def _reason(error: BaseException) -> str:
    """What it goes back to, in one line: torch wraps it in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
