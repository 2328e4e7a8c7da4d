"""An exported student, opened from what lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import UsageError, WeightsError, reason_of
from distbench.workflows.export.fit import fit, upright

if TYPE_CHECKING:
    from PIL import Image

Logits = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.floating]]

_STRIP = 64
"""By how much an image is longer than wide that no graph need resize whole."""


@dataclass(frozen=True)
class Model:
    """A student that was exported.

    Attributes:
        form: Of its files: ``onnx``, ``pt2``, ``torch`` or ``timm``.
        classes: In the order of its outputs.
        stored: Pixels; side of the squares that it takes, or makes.
        bits: How many bits of 16-bit images hold something.
        threshold: Probability from which a class is named; None where an image shows one class.
        logits: From images as `see` gives them, b of them, to logits (b, c).
        whole: Whether it takes images of any size, and makes the squares of them.
    """

    form: str
    classes: tuple[str, ...]
    stored: int
    bits: int
    threshold: float | None
    logits: Logits
    whole: bool = False

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.threshold is not None

    def see(self, image: Image.Image) -> NDArray[np.uint8]:
        """An image as the model takes it: (s, s, 3), or (h, w, 3) for one of whole images."""
        if self.whole and max(image.size) <= _STRIP * min(image.size):
            return np.asarray(upright(image, self.stored, self.bits))
        return fit(image, self.stored, self.bits)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities (b, c) of logits (b, c)."""
        values = logits.astype(np.float64)
        if self.several:
            return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))  # the sigmoid, without overflow
        shares = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def open_model(path: Path, threads: int | None = None) -> Model:
    """Opens an export: its folder, or the file of its weights.

    The ``load.py`` of a PyTorch export is run, as a person would run it, and a ``model.pt2`` is
    read by torch, which takes it for as trustworthy.

    Args:
        path: The folder, ``model.onnx``, ``model.pt2`` or ``model.safetensors``.
        threads: CPU threads of the model; as its library chooses, if None.

    Raises:
        UsageError: It is no export of distbench's, or what reads it is not installed.
        WeightsError: Its files cannot be read.
    """
    if path.suffix.lower() == ".onnx" and path.is_file():
        return _onnx(path, threads)
    folder = path.parent if path.name in ("model.safetensors", "model.pt2") else path
    if (folder / "model.onnx").is_file():
        return _onnx(folder / "model.onnx", threads)
    for form, files in _TORCH.items():
        if all((folder / name).is_file() for name in files):
            from distbench.workflows.export.opened_torch import OPENED

            about = _about(folder)
            return _described(form, about, folder, OPENED[form](folder, about, threads))
    if not path.exists():
        raise UsageError(f"{path} does not exist; name the folder that `distbench export` wrote")
    raise UsageError(
        f"{path} is no exported student: name a folder that `distbench export` wrote, or the "
        "model.onnx, model.pt2 or model.safetensors in it"
    )


_TORCH = {
    "pt2": ("model.pt2",),
    "timm": ("config.json", "model.safetensors"),
    "torch": ("load.py", "model.safetensors"),
}
"""By which files a form is known."""


_METADATA = ("classes", "preprocessing", "activation", "threshold")


def _onnx(path: Path, threads: int | None) -> Model:
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(f"{path} needs onnxruntime: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # what is wrong is raised
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of classes that onnxruntime has no public names for
        raise WeightsError(f"{path} cannot be read: {reason_of(error)}; export it again") from None
    held = session.get_modelmeta().custom_metadata_map
    about = {key: _json(held[key], path) for key in _METADATA if key in held}
    steps = about.pop("preprocessing", None)
    whole = [entry.name for entry in session.get_inputs()] == ["image"]

    def one_by_one(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.floating]:
        return np.concatenate([session.run(["logits"], {"image": image})[0] for image in images])

    def together(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.floating]:
        pixels = np.stack([image.transpose(2, 0, 1) for image in images])
        answer: NDArray[np.floating] = session.run(["logits"], {"pixels": pixels})[0]
        return answer

    known = {**(steps if isinstance(steps, dict) else {}), **about}
    return _described("onnx", known, path, one_by_one if whole else together, whole=whole)


def _about(folder: Path) -> dict[str, Any]:
    """What an export's ``preprocessing.json`` says."""
    from distbench.workflows.export.folder import ABOUT

    file = folder / ABOUT
    try:
        about = _json(file.read_text(encoding="utf-8"), file)
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{file} cannot be read: {reason_of(error)}; export it again") from None
    if not isinstance(about, dict):
        raise WeightsError(f"{file} holds no table; export it again")
    return about


def _json(text: str, where: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise WeightsError(f"{where} holds what is no JSON; export it again") from None


def _described(
    form: str, about: Mapping[str, Any], where: Path, logits: Logits, *, whole: bool = False
) -> Model:
    """A model by what its export says of itself.

    Raises:
        UsageError: It says too little.
    """
    try:
        classes, stored = tuple(map(str, about["classes"])), int(about["stored"])
        threshold = about.get("threshold") if about.get("activation") == "sigmoid" else None
        bits = int(about.get("bits", 16))
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"{where} says neither its classes nor how it is given images, as what "
            "`distbench export` writes does; export the student again"
        ) from None
    return Model(form, classes, stored, bits, threshold, logits, whole)
