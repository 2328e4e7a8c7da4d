"""An ONNX graph that is added to a zoo: read, given an output of features, and listed."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from distbench import Question, WeightsError
from distbench_builtin.shared.sources.onnx_files import weight_files
from distbench_builtin.shared.zoo_adding.given import Given
from distbench_builtin.shared.zoo_adding.graph_outputs import Ends, ends_of, pooled, with_outputs


class OnnxGraph:
    """A classifier as an ONNX graph.

    Args:
        file: The graph.
        given: What is known of it.

    Raises:
        WeightsError: It is none, has not one input of images, or its features cannot be told.
    """

    def __init__(self, file: Path, given: Given) -> None:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        self._file, self._given = file, given
        self._weights = weight_files(file)
        try:
            model: Any = onnx.load(str(file), load_external_data=False)
            onnx.checker.check_model(str(file))
        except (DecodeError, onnx.checker.ValidationError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise WeightsError(f"{file} is no ONNX graph: {reason}") from None
        graph = model.graph
        self._offered = tuple(value.name for value in graph.output)
        self._input, self._side = _images(graph, file)
        named = given.outputs
        self._ends = Ends(*named) if named else ends_of(graph, str(file))

    def questions(self) -> list[Question]:
        """What it does not tell."""
        given, questions = self._given, []
        if given.input_size is None and self._side is None:
            questions.append(
                Question("input_size", "side of its square input, in pixels (the graph takes any)")
            )
        if given.normalise is None:
            questions.append(
                Question(
                    "normalise",
                    "what its images are normalised by before they reach the graph: imagenet, "
                    "half, none (it takes values of 0..1), or six numbers",
                )
            )
        return questions

    def entry(self) -> dict[str, Any]:
        """Its table of the manifest, as far as the file and what is given tell it."""
        given = self._given
        features, classes = self._widths
        several = {"activation": "sigmoid"} if self._ends.several and not given.activation else {}
        named = given.architecture
        return {
            "format": "onnx",
            **({"architecture": named.model} if named else {}),
            "input": self._input,
            "outputs": (self._ends.features, self._ends.logits),
            "num_classes": classes,
            "feature_dim": features,
            **({"input_size": self._side} if given.input_size is None else {}),
            **several,
        }

    def copy(self, folder: Path, name: str) -> str:
        """Puts a graph with both outputs into a folder, in one file; returns its name."""
        if self.as_it_is:
            shutil.copyfile(self._file, folder / f"{name}.onnx")
            return f"{name}.onnx"
        (folder / f"{name}-features.onnx").write_bytes(self._whole)
        return f"{name}-features.onnx"

    @property
    def as_it_is(self) -> bool:
        """Whether a zoo can hold the file itself."""
        both = {self._ends.features, self._ends.logits} <= set(self._offered)
        return both and not self._weights

    @cached_property
    def _whole(self) -> bytes:
        """The graph with both outputs and all its weights.

        Raises:
            WeightsError: It is too large for one file, or has no such tensors.
        """
        import onnx

        model = onnx.load(str(self._file))
        if self._ends.maps:
            self._ends = pooled(model, self._ends)
        with_outputs(model, self._ends, str(self._file))
        try:
            return bytes(model.SerializeToString())
        except ValueError:
            raise WeightsError(
                f"{self._file} is larger than one file of ONNX may be (2 GB); write it with "
                "outputs of features and logits yourself"
            ) from None

    @cached_property
    def _widths(self) -> tuple[int, int]:
        """How many features and classes it gives for an image.

        Raises:
            WeightsError: It does not run on one.
        """
        import numpy as np
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised
        options.intra_op_num_threads = 1
        side = self._given.input_size or self._side
        try:
            session = onnxruntime.InferenceSession(
                self._whole, options, providers=["CPUExecutionProvider"]
            )
            batch = session.get_inputs()[0].shape[0]
            shape = (batch if isinstance(batch, int) else 1, 3, int(side or 0), int(side or 0))
            image = np.full(shape, 0.5, np.float32)
            given = session.run([self._ends.features, self._ends.logits], {self._input: image})
        except Exception as error:  # each way for a graph to be wrong has its own class
            if isinstance(error, WeightsError):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise WeightsError(f"{self._file} does not run on an image: {reason}") from None
        features, logits = (value.size // shape[0] for value in given)
        return features, logits


def _images(graph: Any, file: Path) -> tuple[str, int | None]:
    """Name of the input and the side of its images; None where that is free.

    Raises:
        WeightsError: It takes something other than square images, channels first.
    """
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "nothing"
        raise WeightsError(f"{file} takes {names}; a source takes images alone")
    dims = [dim.dim_value or None for dim in inputs[0].type.tensor_type.shape.dim]
    if len(dims) != 4 or dims[1] not in (3, None) or len(set(dims[2:])) != 1:
        shape = ", ".join("any" if dim is None else str(dim) for dim in dims)
        raise WeightsError(
            f"{file} takes images of shape ({shape}); a source takes (batch, 3, side, side), "
            "channels first: export it so"
        )
    return inputs[0].name, dims[2]
