"""The formats that a student is written in."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from distbench.errors import UsageError, did_you_mean

ONNX = ("onnx", "onnx-fp16", "onnx-int8")
FORMATS = (*ONNX, "torch", "timm", "pt2")


def check_formats(to: Sequence[str], *, whole: bool) -> None:
    """Refuses formats that there are not, or whose packages are not installed.

    Raises:
        UsageError: So it is.
    """
    for form in to:
        if form not in FORMATS:
            near = did_you_mean(form, FORMATS)
            raise UsageError(f"unknown format {form!r}; formats are {', '.join(FORMATS)}.{near}")
        if to.count(form) > 1:
            raise UsageError(f"--to {form} is given twice")
        if whole and form not in ONNX:
            raise UsageError(
                f"--whole-image is for {', '.join(ONNX)}; --to {form} takes the squares that its "
                "load.py makes"
            )
    for form in to:
        if form in ONNX:
            check_installed(form)


def check_installed(form: str = "onnx") -> None:
    """Refuses what cannot be done without the packages of the extra ``onnx``.

    Args:
        form: The format that is wanted.

    Raises:
        UsageError: One is not installed.
    """
    for package in ("onnx", "onnxruntime", "onnxscript"):
        if find_spec(package) is None:
            raise UsageError(
                f"--to {form} needs the package {package!r}, which is not installed: "
                "pip install 'distbench[onnx]'"
            )
