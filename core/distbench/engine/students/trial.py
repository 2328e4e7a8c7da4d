"""One step of a student before anything else is done: what it cannot do is found at once."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.engine.processes.out_of_memory import in_words, ran_out_of_memory
from distbench.engine.processes.own_process import answer_of
from distbench.engine.students.export import exported
from distbench.errors import MachineError, PluginError, UsageError, interrupts, reason_of
from distbench.planning.plan import Plan
from distbench.plugins.registry import registry
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest

if TYPE_CHECKING:
    import torch

    from distbench.interfaces.classifier import Classifier
    from distbench.interfaces.student import Student

_CLASSES = ("a", "b", "c")
_VERSION = 3
"""Raised when more is tried, so that what passed before is tried again."""
_SAME = 1e-5
"""How much passes over the same batch may differ, as a share of the largest number."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a student.

    Attributes:
        text: In one line.
        depends_on_size: Whether images of another size may do; not where the plugin gives what its
            contract does not allow.
    """

    text: str
    depends_on_size: bool = True


def try_student(plan: Plan, root: Path) -> None:
    """Has the student of a plan take one step on two images; what went well is remembered.

    Args:
        plan: The plan.
        root: ``$DISTBENCH_HOME``.

    Raises:
        UsageError: It cannot be made, trained at the protocol's image size, described for its
            export, built anew with its weights, or judged image by image.
        MachineError: The memory is not enough for it.
    """
    from importlib.metadata import version

    side = plan.protocol.image_size
    versions = [version(name) for name in ("torch", "torchvision", "timm")]
    key = digest(["trial", _VERSION, plan.student_identity, side, versions])

    def tried(folder: Path) -> None:
        arguments = (plan.student, side, tuple(Path(f) for f in plan.plugin_files))
        # Without torch at hand a process of its own is as fast, and keeps this one small.
        there = _trial(*arguments) if "torch" in sys.modules else answer_of(_trial, *arguments)
        if there is None:
            (folder / "student.json").write_text(
                json.dumps(plan.student_identity), encoding="utf-8"
            )
            return
        problem = there if isinstance(there, Problem) else Problem(there)
        if ran_out_of_memory(problem.text):
            raise MachineError(f"cannot try the student: {in_words(problem.text)}")
        label = registry(arguments[2]).make("student", plan.student).label
        if not problem.depends_on_size:
            raise UsageError(f"student {label} cannot be used: {problem.text}")
        raise UsageError(
            f"student {label} cannot be used at {side} pixels: {problem.text.rstrip('.')}. Take "
            "another --image-size or --student, or mend its arguments (transformers of timm "
            f"take arguments.img_size={side})"
        )

    ArtifactCache(root / "artifacts").build("trials", key, tried)


def _trial(student: dict[str, Any], side: int, plugins: tuple[Path, ...]) -> Problem | None:
    """What is wrong with a student; None where nothing is."""
    try:
        _step(registry(plugins).make("student", student), side)
    except PluginError as error:
        return Problem(str(error), depends_on_size=False)
    except BaseException as error:  # an architecture may refuse a size in every way there is
        if interrupts(error):
            raise
        return Problem(reason_of(error))
    return None


def _step(student: Student, side: int) -> None:
    import torch

    from distbench.engine.training.student import build_student, with_weights

    held = all(need.present() for need in student.downloads())
    cpu = torch.device("cpu")
    model = build_student(student, len(_CLASSES), pretrained=held, seed=0, device=cpu).train()
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, side, side, generator=draw)
    images = images.contiguous(memory_format=torch.channels_last)
    features = model.features(images)
    if tuple(features.shape) != (2, model.num_features):
        raise UsageError(
            f"its backbone gives features of shape {tuple(features.shape)} for 2 images, and "
            f"num_features is {model.num_features}"
        )
    model.classify(features).square().mean().backward()  # type: ignore[no-untyped-call]
    exported(student, model, _CLASSES)
    more = torch.rand(3, 3, side, side, generator=draw)
    more = more.contiguous(memory_format=torch.channels_last)
    judged = _check_judging(model, more)
    fresh = build_student(student, len(_CLASSES), pretrained=False, seed=1, device=cpu)
    _check_rebuilding(model, with_weights(fresh, model.state_dict()), more, judged)


def _check_judging(model: Classifier, images: torch.Tensor) -> torch.Tensor:
    """Features (3, d) of three images in evaluation mode.

    Raises:
        UsageError: They differ from pass to pass, or with the rest of the batch.
    """
    import torch

    from distbench.engine.stages.source_checks import TOLERANCE, close

    model.eval()
    with torch.inference_mode():
        features, again = model.features(images).clone(), model.features(images).clone()
        alone = model.features(images[1:2])
    if not close(features, again, _SAME):
        raise UsageError(
            "in evaluation mode its features of the same images differ from pass to pass; draw "
            "nothing there, such as dropout"
        )
    if not close(features[1:2], alone, TOLERANCE["fp32"]):
        raise UsageError(
            "in evaluation mode the features of an image depend on the others of its batch; "
            "normalise by running statistics there (track_running_stats=True), not by the batch"
        )
    return features


def _check_rebuilding(
    model: Classifier, rebuilt: Classifier, images: torch.Tensor, features: torch.Tensor
) -> None:
    """Refuses a student that is another one when its weights are loaded into it built anew."""
    import torch

    from distbench.engine.stages.source_checks import close

    if rebuilt.backbone is model.backbone:
        raise UsageError("its backbone() gives the same module twice; build it anew each time")
    with torch.inference_mode():
        same = close(features, rebuilt.features(images), _SAME)
    if not same:
        raise UsageError(
            "its trained weights give other features in a student that is built anew "
            "(pretrained=False); what it computes with belongs into parameters and persistent "
            "buffers, and may not depend on `pretrained`"
        )
