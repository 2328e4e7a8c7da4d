"""What stands before a network in an ONNX graph: from pixels to what a student is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from distbench.workflows.export.preprocessing import Preprocessing

OPSET = 18
_SQUARE = """
<ir_version: 10, opset_import: ["": {opset}]>
square (uint8[height, width, 3] image) => (uint8[1, 3, {side}, {side}] pixels)
<double side = {{{side}.0}}, int64[2] square = {{{side}, {side}}}, int64[1] two = {{2}},
 int64[2] one_image = {{1, 3}}, int64[2] axes = {{2, 3}}, int64[1] first = {{0}}>
{{
    shape = Shape <start = 0, end = 2> (image)
    lengths = Cast <to = 11> (shape)
    shorter = ReduceMin <keepdims = 0> (lengths)
    scale = Div (side, shorter)
    scaled = Mul (lengths, scale)
    rounded = Round (scaled)
    at_least = Max (rounded, side)
    resized_to = Cast <to = 7> (at_least)
    sizes = Concat <axis = 0> (one_image, resized_to)
    channels = Transpose <perm = [2, 0, 1]> (image)
    batch = Unsqueeze (channels, first)
    resized = Resize <mode = "linear", antialias = 1, exclude_outside = 1,
        coordinate_transformation_mode = "half_pixel"> (batch, , , sizes)
    around = Sub (resized_to, square)
    start = Div (around, two)
    stop = Add (start, square)
    pixels = Slice (resized, start, stop, axes)
}}
"""
"""As `distbench.workflows.export.fit.fit` does it. ``exclude_outside`` has the weights at the
borders sum to one, as Pillow has; the sums of Pillow are of whole numbers, those here of floats."""

_SCALED = """
<ir_version: 10, opset_import: ["": {opset}]>
scaled (uint8[batch, 3, {side}, {side}] pixels) => (float[batch, 3, {size}, {size}] images)
<float most = {{255.0}}>
{{
    floats = Cast <to = 1> (pixels)
    whole = Div (floats, most)
    centred = Sub (whole, mean)
    {normalised} = Div (centred, std)
    {resizing}
}}
"""
_RESIZING = """
    rows = MatMul (matrix, square)
    images = MatMul (rows, transposed)
"""
"""Behind the normalisation, not before it: rows of the matrix sum to one, so both are the same,
and OpenVINO takes what follows a product of matrices for its own channels."""


def square_graph(steps: Preprocessing) -> Any:
    """The graph from one image of any size to its stored square, an `onnx.ModelProto`."""
    from onnx.parser import parse_model

    return parse_model(_SQUARE.format(opset=OPSET, side=steps.stored))


def scaled_graph(steps: Preprocessing) -> Any:
    """The graph from stored squares to what the network is given, an `onnx.ModelProto`."""
    from onnx import numpy_helper
    from onnx.parser import parse_model

    text = _SCALED.format(
        opset=OPSET,
        side=steps.stored,
        size=steps.size,
        normalised="square" if steps.resizes else "images",
        resizing=_RESIZING if steps.resizes else "",
    )
    model = parse_model(text)
    arrays = {
        "mean": np.array(steps.mean, dtype=np.float32).reshape(1, 3, 1, 1),
        "std": np.array(steps.std, dtype=np.float32).reshape(1, 3, 1, 1),
    }
    if steps.resizes:
        matrix = steps.matrix().numpy()
        arrays |= {"matrix": matrix, "transposed": np.ascontiguousarray(matrix.T)}
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in arrays.items()
    )
    return model
