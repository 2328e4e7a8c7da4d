"""Pictures that a task has in two parts, or in one and a transfer set: looked for once decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from distbench.engine.stages.prepare import ImageSet
from distbench.engine.stages.thumbnails import same_pictures, thumbnails, write_thumbnails
from distbench.errors import DataError
from distbench.interfaces.task import MOST_COPIES, Task
from distbench.planning.keys import stored_key
from distbench.planning.plan import Plan, PlannedTask
from distbench.storage.artifact_cache.artifacts import ArtifactCache
from distbench.storage.hashing import digest

if TYPE_CHECKING:
    from distbench.engine.workspace import Workspace

_KIND, _THUMBNAILS = "same-pictures", "thumbnails"
_FILE = "pairs.json"
_SHOWN = 3


def check_same_pictures(work: Workspace, task: PlannedTask) -> None:
    """Looks once for pictures in two parts of a task, and keeps what there is to say of them.

    Raises:
        DataError: They are too many, and the task does not accept copies.
    """

    def make(folder: Path) -> None:
        component = work.names.make("task", task.component)
        findings = _findings(component, work.images(task), _thumbnails(work, task))
        (folder / _FILE).write_text(json.dumps(findings), encoding="utf-8")

    folder = work.artifacts.build(_KIND, _key(work.plan, task), make)
    findings = json.loads((folder / _FILE).read_bytes())
    _refuse_many(work, task, findings)


def check_transfer_set(
    work: Workspace,
    task: PlannedTask,
    transfer: PlannedTask,
    seed: int,
    chosen: NDArray[np.int64] | None = None,
) -> tuple[str, ...]:
    """Looks for test and validation images of a task in what is distilled on besides.

    Args:
        work: The plan, opened.
        task: The task.
        transfer: The transfer set or gallery.
        seed: Draws the validation images, where the task has no such part of its own.
        chosen: Positions of the images that are used of it; None for all.

    Returns:
        What a reader of results should know.

    Raises:
        DataError: They are too many, and the task does not accept copies.
    """
    validation = work.split(task, seed).validation
    images, further = work.images(task), work.images(transfer)
    component = work.names.make("task", task.component)
    # Of a gallery of millions the chosen few are read alone.
    known = (
        _thumbnails(work, transfer)["train"]
        if chosen is None
        else thumbnails(further.train, chosen)
    )
    own_thumbnails = _thumbnails(work, task)
    findings = []
    for part, group, positions in (
        ("test", "test", np.arange(len(images.test))),
        ("validation", "train", validation),
    ):
        pairs = same_pictures(known, own_thumbnails[group][positions])
        if pairs:
            own = _names(component, images.skipped)[group]
            there = _names(work.names.make("task", transfer.component), further.skipped)["train"]
            shown = [
                (own[positions[i]], there[j if chosen is None else chosen[j]]) for i, j in pairs
            ]
            others = f"those of the transfer set {transfer.label}"
            findings.append(_finding(part, others, len(positions), shown))
    _refuse_many(work, task, findings)
    return tuple(finding["text"] for finding in findings)


def _thumbnails(work: Workspace, task: PlannedTask) -> dict[str, NDArray[np.uint8]]:
    """Thumbnails of both arrays of a task's images, (n, 16, 16, 3) each; made once and kept."""

    def make(folder: Path) -> None:
        images = work.images(task)
        for group, pixels in (("train", images.train), ("test", images.test)):
            write_thumbnails(pixels, folder / f"{group}.npy")

    key = digest([_THUMBNAILS, 1, _images_key(work.plan, task)])
    folder = work.artifacts.build(_THUMBNAILS, key, make)
    return {group: np.load(folder / f"{group}.npy", mmap_mode="r") for group in ("train", "test")}


def _refuse_many(work: Workspace, task: PlannedTask, findings: Sequence[dict[str, Any]]) -> None:
    many = [finding["text"] for finding in findings if finding["many"]]
    if many and not work.names.make("task", task.component).accepts_copies():
        raise DataError(
            f"task {task.id!r}: {many[0]}. Remove one of each; or, where distbench makes the test "
            "part, keep them together with copies=together; or accept it with copies=allow, and "
            "results are worth little"
        )


def same_picture_notes(plan: Plan, task: PlannedTask, root: Path) -> tuple[str, ...]:
    """What a reader of results should know of pictures in two parts of a task.

    Args:
        plan: The plan.
        task: One of its tasks.
        root: ``$DISTBENCH_HOME``.
    """
    folder = ArtifactCache(root / "artifacts").get(_KIND, _key(plan, task))
    findings = json.loads((folder / _FILE).read_bytes()) if folder else []
    return tuple(finding["text"] for finding in findings)


def _key(plan: Plan, task: PlannedTask) -> str:
    return digest([_KIND, 1, _images_key(plan, task)])


def _images_key(plan: Plan, task: PlannedTask) -> str:
    return stored_key(task.images_key, plan.protocol, plan.protocol.image_size)


def _findings(
    task: Task, images: ImageSet, small: Mapping[str, NDArray[np.uint8]]
) -> list[dict[str, Any]]:
    """One for each part that shows pictures of an earlier one."""
    start = len(images.train_labels) - len(images.given_validation)
    train, test = small["train"], small["test"]
    sides = (
        ("test", "training or validation", train, test),
        ("validation", "training", train[:start], train[start:]),
    )
    findings = []
    for part, others, known, new in sides:
        if pairs := same_pictures(known, new):
            names = _names(task, images.skipped)
            own = names["test"] if part == "test" else names["train"][start:]
            shown = [(own[i], names["train"][j]) for i, j in pairs]
            findings.append(_finding(part, f"{others} images", len(new), shown))
    return findings


def _finding(
    part: str, others: str, count: int, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What is said of images of a part, and the names of those that they are, and if it is much."""
    shown = "; ".join(f"{own} is {other}" for own, other in pairs[:_SHOWN])
    text = (
        f"{len(pairs)} of {count} {part} images show the same picture as {others}, byte for byte "
        "or saved again in another format, quality or size "
        f"({shown}{'; ...' if len(pairs) > _SHOWN else ''})"
    )
    return {"text": text, "many": len(pairs) > MOST_COPIES * count}


def _names(task: Task, skipped: Sequence[str]) -> dict[str, list[str]]:
    """Names of the decoded images, by the array that holds them."""
    parts, left_out = task.index().parts, set(skipped)
    groups = {"train": ("train", "validation"), "test": ("test",)}
    return {
        group: [n for p in some if p in parts for n in parts[p].names if n not in left_out]
        for group, some in groups.items()
    }
