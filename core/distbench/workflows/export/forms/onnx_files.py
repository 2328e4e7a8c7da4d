"""Students as ONNX files: in 32, 16 or 8 bits, for stored squares or for images of any size."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distbench.workflows.export.forms.loader import onnx_loader
from distbench.workflows.export.forms.onnx_graph import graph_of, network_graph
from distbench.workflows.export.forms.quantised import quantised
from distbench.workflows.export.forms.written import Written, by_loader
from distbench.workflows.export.preprocessing import normalised
from distbench.workflows.export.student import Original

CALIBRATION = 128
"""Images of the task that scales of 8 bits are taken from."""
_WEIGHTS = "model.onnx"


class OnnxFiles:
    """Writes a student as ONNX; the network of its files is traced once.

    Args:
        original: The student.
        whole: Whether files take images of any size.
    """

    def __init__(self, original: Original, *, whole: bool) -> None:
        self._original, self._whole = original, whole

    def full(self, folder: Path) -> Written:
        """One file with resizing, normalisation and network.

        Raises:
            UsageError: torch makes no graph of it.
        """
        return self._write(self._network, folder, exact=True)

    def half(self, folder: Path) -> Written:
        """The same with weights and operations of 16 bits.

        Raises:
            UsageError: torch makes no graph of it.
        """
        original = self._original
        views, shown = original.exported_views, self._images(original.samples[:2])
        network = network_graph(original.model, shown, views, half=True)
        return self._write(network, folder, exact=False)

    def eight(self, folder: Path) -> Written:
        """The same with weights and activations of 8 bits.

        Raises:
            UsageError: torch makes no graph of it, or it cannot be quantised.
        """
        shown = self._original.unlabelled(CALIBRATION)
        network = quantised(self._network, self._images(shown).numpy())
        return self._write(network, folder, exact=False, calibrated=len(shown))

    @cached_property
    def _network(self) -> Any:
        original = self._original
        shown = self._images(original.samples[:2])
        return network_graph(original.model, shown, original.exported_views)

    def _images(self, squares: NDArray[np.uint8]) -> torch.Tensor:
        pixels = torch.from_numpy(np.array(squares)).permute(0, 3, 1, 2)
        return normalised(pixels, self._original.steps)

    def _write(self, network: Any, folder: Path, *, exact: bool, calibrated: int = 0) -> Written:
        import onnx

        original = self._original
        model = graph_of(network, original.steps, whole=self._whole)
        about = {
            "classes": original.task.classes,
            "preprocessing": original.steps.as_dict(),
            **original.outputs,
        }
        for key, value in about.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, json.dumps(value, ensure_ascii=False)
        onnx.save_model(model, folder / _WEIGHTS)
        onnx.checker.check_model(folder / _WEIGHTS)
        text = onnx_loader(original.task.several, whole=self._whole)
        return Written(
            _WEIGHTS,
            by_loader(original, folder, text, "export: its ONNX graph"),
            ("onnxruntime", "numpy", "pillow"),
            exact=exact,
            single=original.exported_views is None,
            whole=self._whole,
            calibrated=calibrated,
        )
