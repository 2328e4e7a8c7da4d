"""A source that is an ONNX graph, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import Forward, Source, SourceInfo, WeightsError
from distbench_builtin.shared.sources.onnx_files import graph_digest
from distbench_builtin.shared.sources.verify import verify

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


class OnnxSource(Source):
    """An ONNX graph with outputs for features and logits; it cannot be trained.

    Args:
        info: Facts about it.
        file: The graph.
        images: Name of its input, float32 (b, 3, s, s).
        outputs: Names of its features and logits.
    """

    def __init__(self, info: SourceInfo, file: Path, images: str, outputs: tuple[str, str]) -> None:
        self.info = info
        self._file = file
        self._images = images
        self._outputs = outputs

    def verify(self) -> None:
        verify(self.info, self._file, graph_digest)

    def open(self, device: torch.device) -> Forward:
        import numpy as np
        import torch

        session = _session(self._file, device)
        batch = self._fixed_batch(session)

        def run(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
            outputs: list[Any] = session.run(list(self._outputs), {self._images: images})
            return [
                self._as_rows(name, np.asarray(value, np.float32), len(images))
                for name, value in zip(self._outputs, outputs, strict=True)
            ]

        def forward(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            given = np.ascontiguousarray(images.detach().cpu().numpy(), dtype=np.float32)
            try:
                features, logits = run(given) if batch is None else _in_batches(run, given, batch)
            except Exception as error:  # those of the runtime are no RuntimeErrors
                if isinstance(error, WeightsError):
                    raise
                raise WeightsError(
                    f"source {self.info.name!r} ({self._file}) fails on images of shape "
                    f"{given.shape}: {_line(error)}"
                ) from None
            return torch.from_numpy(features), torch.from_numpy(logits)

        return forward

    def _as_rows(self, name: str, value: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """An output as (b, d); axes of one number, as pooling leaves them, are dropped.

        Raises:
            WeightsError: It is something else, whose numbers could only be guessed at.
        """
        width = max(value.shape[1:], default=0)
        if value.ndim < 2 or value.shape[0] != count or value.size != count * width:
            raise WeightsError(
                f"source {self.info.name!r} ({self._file}): output {name!r} has shape "
                f"{value.shape} for {count} images; ({count}, width) is wanted: pool tokens and "
                "maps, and put the batch first"
            )
        return value.reshape(count, width)

    def _fixed_batch(self, session: Any) -> int | None:
        """The batch size the graph insists on, after its names and sizes have been checked."""
        shown = f"source {self.info.name!r} ({self._file})"
        inputs = {value.name: value for value in session.get_inputs()}
        if set(inputs) != {self._images}:
            raise WeightsError(
                f"{shown} takes {', '.join(sorted(inputs))}; its manifest says input = "
                f"{self._images!r}"
            )
        offered = {value.name: value.type for value in session.get_outputs()}
        for name in self._outputs:
            if name not in offered:
                raise WeightsError(
                    f"{shown} has no output {name!r}; it has {', '.join(offered)}: name them in "
                    "outputs = [features, logits]"
                )
            if offered[name] not in _FLOATS:
                raise WeightsError(
                    f"{shown}: output {name!r} is {offered[name]}; name one of floating-point "
                    "numbers, from before they are rounded, ranked or put into maps"
                )
        given, side = inputs[self._images], self.info.input_size
        if given.type != "tensor(float)":
            raise WeightsError(f"{shown} takes {given.type}; distbench gives float32 images")
        shape = list(given.shape)
        fits = len(shape) == 4 and all(
            size == wanted
            for size, wanted in zip(shape[1:], (3, side, side), strict=True)
            if isinstance(size, int)
        )
        if not fits:
            raise WeightsError(
                f"{shown} takes images of shape {shape}; its manifest (input_size = {side}) means "
                f"[batch, 3, {side}, {side}]"
            )
        return shape[0] if isinstance(shape[0], int) else None


def _session(file: Path, device: torch.device) -> Any:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what goes wrong is raised
    providers = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # each way for a graph to be wrong has its own class
        raise WeightsError(f"cannot open the ONNX graph {file}: {_line(error)}") from None


def _in_batches(run: Any, images: NDArray[np.float32], batch: int) -> list[NDArray[np.float32]]:
    """Runs a graph of fixed batch size; the last batch is filled up and the filling dropped."""
    import numpy as np

    missing = -len(images) % batch
    whole = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
    results = [run(whole[start : start + batch]) for start in range(0, len(whole), batch)]
    return [np.concatenate(values)[: len(images)] for values in zip(*results, strict=True)]


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
