"""What writes each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from distbench.workflows.export.forms.onnx_files import OnnxFiles
from distbench.workflows.export.forms.program_file import write_program
from distbench.workflows.export.forms.torch_files import write_timm, write_torch
from distbench.workflows.export.forms.written import Written
from distbench.workflows.export.student import Original


def writers(original: Original, *, whole: bool = False) -> Mapping[str, Callable[[Path], Written]]:
    """What writes a student into a folder, by format.

    Args:
        original: The student.
        whole: Whether ONNX files take images of any size.
    """
    onnx = OnnxFiles(original, whole=whole)
    return {
        "onnx": onnx.full,
        "onnx-fp16": onnx.half,
        "onnx-int8": onnx.eight,
        "torch": lambda folder: write_torch(original, folder),
        "timm": lambda folder: write_timm(original, folder),
        "pt2": lambda folder: write_program(original, folder),
    }
