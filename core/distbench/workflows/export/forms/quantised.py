"""An ONNX network in 8 bits, its scales taken from images of the task."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import UsageError
from distbench.workflows.export.forms.reasons import innermost
from distbench.workflows.export.quiet import quiet

_BATCH = 16


def quantised(network: Any, images: NDArray[np.float32]) -> Any:
    """The graph with weights and activations of 8 bits, an `onnx.ModelProto`.

    Static quantisation of ONNX Runtime: weights per channel, activations by the least and largest
    value that images give, each as a pair of operations that quantise and restore, which other
    runtimes read too. Images and logits stay float32.

    Args:
        network: The graph of a network, from ``images`` to ``logits``.
        images: As it is given them, (n, 3, s, s).

    Raises:
        UsageError: It cannot be quantised.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            starts = range(0, len(images), _BATCH)
            self._rest = ({"images": images[start : start + _BATCH]} for start in starts)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._rest, None)

    try:
        with tempfile.TemporaryDirectory() as name, quiet():
            files = (Path(name, file) for file in ("given.onnx", "prepared.onnx", "written.onnx"))
            given, prepared, written = files
            onnx.save_model(network, given)
            quant_pre_process(given, prepared, skip_symbolic_shape=True)
            quantize_static(prepared, written, Images(), per_channel=True)
            model = onnx.load(written)
            del model.metadata_props[:]  # notes of its own
    except Exception as error:  # of its own, of onnx, of ONNX Runtime's C++
        raise UsageError(
            f"ONNX Runtime cannot quantise the student ({innermost(error)}); use --to onnx or "
            "--to onnx-fp16"
        ) from error
    if not any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise UsageError(
            "the student has no operation that ONNX Runtime quantises; use --to onnx or "
            "--to onnx-fp16"
        )
    return model
