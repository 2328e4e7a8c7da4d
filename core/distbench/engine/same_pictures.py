"""Pictures that a task has in two parts: looked for where its images are decoded anyway."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench.engine.stages.prepare import ImageSet
from distbench.engine.stages.thumbnails import same_pictures, thumbnails
from distbench.errors import DataError
from distbench.interfaces.task import MOST_COPIES, Task
from distbench.planning.keys import stored_key
from distbench.planning.plan import Plan, PlannedTask
from distbench.storage.artifacts import ArtifactCache
from distbench.storage.hashing import digest

if TYPE_CHECKING:
    from distbench.engine.workspace import Workspace

_KIND = "same-pictures"
_FILE = "pairs.json"
_SHOWN = 3


def check_same_pictures(work: Workspace, task: PlannedTask) -> None:
    """Looks once for pictures in two parts of a task, and keeps what there is to say of them.

    Raises:
        DataError: They are too many, and the task does not accept copies.
    """

    def make(folder: Path) -> None:
        component = work.names.make("task", task.component)
        findings = _findings(component, work.images(task))
        (folder / _FILE).write_text(json.dumps(findings), encoding="utf-8")

    folder = work.artifacts.build(_KIND, _key(work.plan, task), make)
    findings = json.loads((folder / _FILE).read_bytes())
    many = [finding["text"] for finding in findings if finding["many"]]
    if many and not work.names.make("task", task.component).accepts_copies():
        raise DataError(
            f"task {task.id!r}: {many[0]}. Remove one of each, or accept it with copies=allow; "
            "results are worth little then"
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
    images = stored_key(task.images_key, plan.protocol, plan.protocol.image_size)
    return digest([_KIND, 1, images])


def _findings(task: Task, images: ImageSet) -> list[dict[str, Any]]:
    """One for each part that shows pictures of an earlier one."""
    start = len(images.train_labels) - len(images.given_validation)
    train, test = thumbnails(images.train), thumbnails(images.test)
    sides = (
        ("test", "training or validation", train, test),
        ("validation", "training", train[:start], train[start:]),
    )
    findings = []
    for part, others, known, new in sides:
        if pairs := same_pictures(known, new):
            names = _names(task, images.skipped)
            own = names["test"] if part == "test" else names["train"][start:]
            shown = [f"{own[i]} is {names['train'][j]}" for i, j in pairs[:_SHOWN]]
            text = (
                f"{len(pairs)} of {len(new)} {part} images show the same picture as {others} "
                "images, byte for byte or saved again in another format, quality or size "
                f"({'; '.join(shown)}{'; ...' if len(pairs) > _SHOWN else ''})"
            )
            findings.append({"text": text, "many": len(pairs) > MOST_COPIES * len(new)})
    return findings


def _names(task: Task, skipped: Sequence[str]) -> dict[str, list[str]]:
    """Names of the decoded images, by the array that holds them."""
    parts, left_out = task.index().parts, set(skipped)
    groups = {"train": ("train", "validation"), "test": ("test",)}
    return {
        group: [n for p in some if p in parts for n in parts[p].names if n not in left_out]
        for group, some in groups.items()
    }
