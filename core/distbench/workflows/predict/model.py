"""An exported student, opened from what lies in its folder: ONNX, PyTorch or timm."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.errors import UsageError, WeightsError, reason_of

Logits = Callable[[NDArray[np.uint8]], NDArray[np.floating]]


@dataclass(frozen=True)
class Model:
    """A student that was exported.

    Attributes:
        form: ``onnx``, ``torch`` or ``timm``.
        classes: In the order of its outputs.
        stored: Pixels; side of the squares that it takes.
        bits: How many bits of 16-bit images hold something.
        threshold: Probability from which a class is named; None where an image shows one class.
        logits: From squares (b, s, s, 3) to logits (b, c).
    """

    form: str
    classes: tuple[str, ...]
    stored: int
    bits: int
    threshold: float | None
    logits: Logits

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.threshold is not None

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities (b, c) of logits (b, c)."""
        values = logits.astype(np.float64)
        if self.several:
            return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))  # the sigmoid, without overflow
        shares = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def open_model(path: Path, threads: int | None = None) -> Model:
    """Opens an export: its folder, or the file of its weights.

    The ``load.py`` of a PyTorch export is run, as a person would run it.

    Args:
        path: The folder, ``model.onnx`` or ``model.safetensors``.
        threads: CPU threads of the model; as its library chooses, if None.

    Raises:
        UsageError: It is no export of distbench's, or what reads it is not installed.
        WeightsError: Its files cannot be read.
    """
    if path.suffix.lower() == ".onnx" and path.is_file():
        return _onnx(path, threads)
    folder = path.parent if path.name == "model.safetensors" else path
    if (folder / "model.onnx").is_file():
        return _onnx(folder / "model.onnx", threads)
    for needed, opened in (("config.json", _timm), ("load.py", _torch)):
        if (folder / needed).is_file() and (folder / "model.safetensors").is_file():
            return opened(folder, threads)
    if not path.exists():
        raise UsageError(f"{path} does not exist; name the folder that `distbench export` wrote")
    raise UsageError(
        f"{path} is no exported student: name a folder that `distbench export` wrote, or the "
        "model.onnx or model.safetensors in it"
    )


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
    about = {key: _json(text, path) for key, text in held.items()}
    steps = about.pop("preprocessing", None)

    def logits(squares: NDArray[np.uint8]) -> NDArray[np.floating]:
        pixels = np.ascontiguousarray(squares.transpose(0, 3, 1, 2))
        answer: NDArray[np.floating] = session.run(["logits"], {"pixels": pixels})[0]
        return answer

    return _described("onnx", {**(steps if isinstance(steps, dict) else {}), **about}, path, logits)


def _torch(folder: Path, threads: int | None) -> Model:
    import torch

    from distbench.workflows.export.formats import own_imports

    if threads is not None:
        torch.set_num_threads(threads)
    about = _about(folder)
    try:
        with own_imports(folder):
            there = runpy.run_path(str(folder / "load.py"))
            network = there["load"]()
    except Exception as error:  # whatever the code of the folder meets
        raise WeightsError(f"{folder}/load.py loads nothing: {reason_of(error)}") from error
    of_pixels = there["logits"]

    def logits(squares: NDArray[np.uint8]) -> NDArray[np.floating]:
        answer: NDArray[np.floating] = of_pixels(network, _pixels(squares)).numpy()
        return answer

    return _described("torch", about, folder, logits)


def _timm(folder: Path, threads: int | None) -> Model:
    import timm
    import torch

    from distbench.workflows.export.preprocessing import Preprocessing, normalised

    if threads is not None:
        torch.set_num_threads(threads)
    about = _about(folder)
    try:
        network = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        names = Preprocessing.__dataclass_fields__
        steps = Preprocessing(**{name: about[name] for name in names if name in about})
    except Exception as error:  # of timm, of safetensors, or of what is missing
        raise WeightsError(
            f"{folder} cannot be read: {reason_of(error)}; export it again"
        ) from None

    @torch.inference_mode()
    def logits(squares: NDArray[np.uint8]) -> NDArray[np.floating]:
        answer: NDArray[np.floating] = network(normalised(_pixels(squares), steps)).numpy()
        return answer

    return _described("timm", about, folder, logits)


def _pixels(squares: NDArray[np.uint8]) -> Any:
    """Squares (b, s, s, 3) as a tensor (b, 3, s, s)."""
    import torch

    return torch.from_numpy(squares).permute(0, 3, 1, 2).contiguous()


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


def _described(form: str, about: Mapping[str, Any], where: Path, logits: Logits) -> Model:
    """A model by what its export says of itself."""
    try:
        classes, stored = tuple(map(str, about["classes"])), int(about["stored"])
        threshold = about.get("threshold") if about.get("activation") == "sigmoid" else None
        return Model(form, classes, stored, int(about.get("bits", 16)), threshold, logits)
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"{where} says neither its classes nor how it is given images, as what "
            "`distbench export` writes does; export the student again"
        ) from None
