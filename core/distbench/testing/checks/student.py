"""Checks of students, at the smallest image size that they take."""

from __future__ import annotations

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from distbench.engine.students.export import exported
from distbench.engine.training.student import build_student
from distbench.errors import RefusedError, UsageError, interrupts
from distbench.interfaces.classifier import Classifier
from distbench.interfaces.student import Student
from distbench.plugins.component_identity import as_table
from distbench.storage.hashing import canonical_json
from distbench.testing.calls import fault_if_raises
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.subject import Subject
from distbench.testing.training_step import Step, StepEnded, step_of
from distbench.workflows.export.compare import compare
from distbench.workflows.export.formats import check_installed
from distbench.workflows.export.forms.onnx_graph import graph_of, logits_of, network_graph
from distbench.workflows.export.preprocessing import Preprocessing, normalised

SIDES = (32, 64, 224)
"""Image sizes that are tried, pixels."""
_CLASSES = ("a", "b", "c")
_TOLERANCE = 0.01
"""Relative distance of gradients that rounding may make, where a ReLU falls the other way."""


def _model(student: Student, seed: int = 0, *, pretrained: bool = True) -> Classifier:
    with fault_if_raises(
        "building its backbone", "backbone() gives a module with an integer num_features"
    ):
        return build_student(
            student, len(_CLASSES), pretrained=pretrained, seed=seed, device=torch.device("cpu")
        )


def _images(side: int) -> torch.Tensor:
    return torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(0))


def side_of(student: Student) -> int:
    """The smallest image size that a student takes.

    Raises:
        Fault: It takes none.
    """
    model = _model(student).eval()
    reason = ""
    for side in SIDES:
        try:
            with torch.inference_mode():
                model.features(_images(side))
            return side
        except BaseException as error:
            if interrupts(error):
                raise
            reason = str(error).strip().partition("\n")[0]
    raise Fault(
        f"its backbone takes images of none of the sizes {SIDES}: {reason}",
        "it takes images (b, 3, s, s)",
    )


def _digest(model: torch.nn.Module) -> list[bytes]:
    return [t.detach().contiguous().numpy().tobytes() for t in model.state_dict().values()]


@check("student")
def forward(subject: Subject) -> None:
    """The backbone turns images (b, 3, s, s) into finite features (b, num_features)."""
    student: Student = subject.make_with_data()
    side = side_of(student)
    model = _model(student)
    for training in (True, False):
        features = model.train(training).features(_images(side))
        if tuple(features.shape) != (4, model.num_features):
            raise Fault(
                f"features of shape {tuple(features.shape)} instead of (4, {model.num_features})",
                "pool them, and set num_features to their width",
            )
        if not torch.isfinite(features).all():
            raise Fault("features are not finite", "check its initialisation")


@check("student")
def gradients(subject: Subject) -> None:
    """A loss on its features reaches its weights."""
    if not _step(subject).reached:
        raise Fault("no gradient reaches its weights", "freeze nothing, detach nothing")


@check("student")
def memory_format(subject: Subject) -> None:
    """A training step gives the gradients that it gives with images contiguous in memory."""
    step = _step(subject)
    if not step.difference <= _TOLERANCE:
        raise Fault(
            f"the gradient of {step.weight} is another where images lie channels last in memory "
            f"(relative distance {step.difference:.1g})",
            "use no stride or view that depends on the memory format; if torch is at fault, "
            "give convolutions contiguous input",
        )


def _step(subject: Subject) -> Step:
    """A training step, in a process of its own: a library may end it.

    Raises:
        Fault: It does not come to its end.
    """
    student: Student = subject.make_with_data()
    try:
        return _taken(canonical_json(as_table(student)), subject.plugin_files, side_of(student))
    except StepEnded as ended:
        raise Fault(f"a training step {ended.how}", "see what its backward pass does") from None


@cache
def _taken(table: str, plugins: tuple[Path, ...], side: int) -> Step:
    return step_of(json.loads(table), plugins, side)


@check("student")
def fingerprint(subject: Subject) -> None:
    """The identity of its initial weights is a text, the same every time."""
    fingerprints = [subject.make_with_data().fingerprint() for _ in range(2)]
    if not isinstance(fingerprints[0], str) or not fingerprints[0]:
        raise Fault(
            f"fingerprint() gives {fingerprints[0]!r}", "give the SHA-256 of its initial weights"
        )
    if fingerprints[0] != fingerprints[1]:
        raise Fault("fingerprint() differs from call to call", "it follows from the weights alone")


@check("student")
def determinism(subject: Subject) -> None:
    """The same seed makes the same weights; another one makes others where they are random."""
    student: Student = subject.make_with_data()
    for pretrained in (True, False):
        one, same, other = (
            _digest(_model(student, seed, pretrained=pretrained)) for seed in (1, 1, 2)
        )
        if one != same:
            raise Fault(
                "the same seed makes other weights", "draw from torch's generator, which is seeded"
            )
        backbone = len(_model(student, pretrained=pretrained).backbone.state_dict())
        if not pretrained and one[:backbone] == other[:backbone]:
            raise Fault(
                "with pretrained=False two seeds make the same weights",
                "draw them from torch's generator",
            )


@check("student")
def normalisation(subject: Subject) -> None:
    """Mean and standard deviation are three numbers each, the latter above 0."""
    constants = subject.make_with_data().normalisation()
    with fault_if_raises(
        "reading its normalisation", "give ((r, g, b), (r, g, b)) of images in 0..1"
    ):
        mean, std = ([float(v) for v in part] for part in constants)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"got {constants!r}")


@check("student")
def export(subject: Subject) -> None:
    """What is exported is stored as safetensors, and its recipe loads it to the same outputs."""
    from safetensors.torch import save_file

    student: Student = subject.make_with_data()
    model = _model(student).eval()
    with fault_if_raises(
        "exporting it", "export() gives tensors by name and a recipe of plain values"
    ):
        tensors, recipe = exported(student, model, _CLASSES)
    images = _images(side_of(student))
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        file = Path(folder) / "model.safetensors"
        with fault_if_raises("storing what it exports", "export() gives tensors by name"):
            save_file(tensors, file)
        with fault_if_raises("loading what it exports", "how_to_load is Python that makes `model`"):
            mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in student.normalisation())
            logits = _loaded(recipe, file)((images - mean) / std)
        if not torch.allclose(logits, model(images), rtol=1e-3, atol=1e-4):
            raise Fault(
                "what is exported gives other logits than the student",
                "export all weights, in evaluation mode",
            )


@check("student")
def onnx(subject: Subject) -> None:
    """`distbench export --to onnx` can write it, for batches of any size, with the same logits."""
    try:
        check_installed()
    except UsageError as error:
        raise NotChecked(str(error)) from None
    import onnx

    student: Student = subject.make_with_data()
    model, side = _model(student).eval(), side_of(student)
    steps = Preprocessing(side, side, *student.normalisation())
    pixels = (_images(side) * 255).byte()
    try:
        graph = graph_of(network_graph(model, normalised(pixels[:2], steps)), steps)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            path = Path(folder) / "model.onnx"
            onnx.save_model(graph, path)
            wanted = model(pixels.float() / 255).numpy()
            compare(wanted, logits_of(path, pixels), "its ONNX graph")
    except (UsageError, RefusedError) as error:
        raise Fault(
            str(error), "or say in `declines` why it is not for ONNX: a run does not need that"
        ) from None


def _loaded(recipe: dict[str, Any], file: Path) -> Any:
    """The model that a recipe's text makes; it is of the plugin that is checked, and as trusted."""
    for name, text in recipe.get("files", {}).items():
        (file.parent / name).write_text(text, encoding="utf-8")
    known = set(sys.modules)
    sys.path.insert(0, str(file.parent))
    try:
        names: dict[str, Any] = {"PATH": str(file)}
        exec(compile(recipe["how_to_load"], "how_to_load", "exec"), names)
    finally:
        sys.path.remove(str(file.parent))
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(file.parent)):
                del sys.modules[name]
    return names["model"].eval()
