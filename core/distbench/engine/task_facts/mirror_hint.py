"""Whether mirrored images of a task are still of their class: a probe of the student says so."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.errors import DistbenchError
from distbench.planning.keys import stored_key
from distbench.planning.plan import Plan, PlannedTask
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest

if TYPE_CHECKING:
    from distbench.engine.workspace import Workspace

_KIND = "mirror"
_FILE = "mirrored.json"
_IMAGES = 200
_FOLDS = 4
_LOSS = 0.15
"""Share of the images that a probe must lose by mirroring before anything is said."""
_RIDGE = 1.0


def write_mirror_hint(work: Workspace, task: PlannedTask) -> None:
    """Keeps what mirroring does to a task, where the protocol mirrors training images.

    Nothing of a task whose images may show several classes, of which the probe knows nothing.
    """
    if work.plan.mirrors(task) and not task.several:

        def make(folder: Path) -> None:
            (folder / _FILE).write_text(json.dumps(_probed(work, task)), encoding="utf-8")

        # A student that cannot be made is told of by the cells that train it.
        with contextlib.suppress(DistbenchError):
            work.artifacts.build(_KIND, _key(work.plan, task), make)


def mirror_hint(plan: Plan, task: PlannedTask, root: Path) -> str | None:
    """What a person should know of mirroring the images of a task; None where nothing is amiss.

    Args:
        plan: The plan.
        task: One of its tasks.
        root: ``$DISTBENCH_HOME``.
    """
    if not plan.mirrors(task):
        return None
    folder = ArtifactCache(root / "artifacts").get(_KIND, _key(plan, task))
    known = from_json((folder / _FILE).read_bytes()) if folder else {}
    if not known.get("hint"):
        return None
    return (
        f"{task.id}: training mirrors its images, and mirrored ones look like other classes (a "
        f"probe on the student's features has {known['plain']:.0%} of them right, mirrored "
        f"{known['mirrored']:.0%}); where left and right matter, run with --no-flip, or "
        "write flip = false beside the task in a file"
    )


def _key(plan: Plan, task: PlannedTask) -> str:
    protocol = plan.protocol
    images = stored_key(task.images_key, protocol, protocol.image_size)
    budget = [protocol.labelled, protocol.validation, protocol.image_size]
    return digest([_KIND, 1, plan.suite, task.id, images, plan.student_identity, budget])


def _probed(work: Workspace, task: PlannedTask) -> dict[str, float | bool]:
    """Accuracy of a probe on images that it has not seen, as they are and mirrored."""
    from distbench.engine.device import pick_device
    from distbench.engine.training.predict import features_of
    from distbench.engine.training.setting import TrainingSetting
    from distbench.engine.training.student import build_student

    images, split = work.images(task).train, work.split(task, 0)
    known = np.concatenate([split.labelled, split.validation])
    chosen = np.sort(np.random.default_rng(0).permutation(known)[:_IMAGES])
    labels = work.images(task).train_labels[chosen]
    protocol = work.plan.protocol
    device = pick_device(work.plan.device)
    classes = len(task.classes)
    model = build_student(work.student, classes, pretrained=True, seed=0, device=device)
    setting = TrainingSetting(images, protocol.image_size, device)
    pixels = images[chosen]  # (k, s, s, 3)
    plain = features_of(model, pixels, setting)  # (k, d)
    mirrored = features_of(model, np.ascontiguousarray(pixels[:, :, ::-1]), setting)
    right = held_out_hits(plain, mirrored, labels)  # (2, k)
    lost, gained = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    worse = lost - gained >= max(_LOSS * len(chosen), 3 * np.sqrt(lost + gained))
    shares = right.mean(axis=1)
    return {"plain": float(shares[0]), "mirrored": float(shares[1]), "hint": bool(worse)}


def held_out_hits(
    plain: NDArray[np.floating], mirrored: NDArray[np.floating], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which images a ridge classifier gets right that was fitted on others, as they are.

    Args:
        plain: (k, d) features of images.
        mirrored: (k, d) features of the same images, mirrored.
        labels: (k,) class numbers.

    Returns:
        (2, k): as they are, and mirrored.
    """
    fold = np.arange(len(labels)) % _FOLDS
    order = np.argsort(labels, kind="stable")  # so that every class is in every fold
    hits = np.zeros((2, len(labels)), dtype=bool)
    for held in range(_FOLDS):
        out, rest = order[fold == held], order[fold != held]
        if not len(out) or not len(rest):
            continue
        mean, scale = plain[rest].mean(0), plain[rest].std(0) + 1e-6  # (d,)
        x = (plain[rest] - mean) / scale  # (r, d)
        wanted = np.eye(labels.max() + 1)[labels[rest]]  # (r, C)
        dual = np.linalg.solve(x @ x.T + _RIDGE * len(x) * np.eye(len(x)), wanted)  # (r, C)
        for number, features in enumerate((plain, mirrored)):
            scores = (features[out] - mean) / scale @ (x.T @ dual)  # (o, C)
            hits[number, out] = scores.argmax(1) == labels[out]
    return hits
