"""A data set of torchvision as a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict, Field, field_validator

from distbench import DataError, Download, TaskIndex, absent, did_you_mean, primary
from distbench_builtin.shared.caching.file_digests import file_digests
from distbench_builtin.shared.images.drawing import note
from distbench_builtin.shared.images.pool import Pool
from distbench_builtin.shared.images.pool_bonds import (
    checked_parts,
    divide,
    grouping_facts,
    items_of,
)
from distbench_builtin.shared.images.pooled_task import PooledTask
from distbench_builtin.shared.images.torchvision_sets import SETS, archive, open_set


class TorchvisionTask(PooledTask):
    """A data set of torchvision with one class for each image, such as Food101 or Flowers102.

    `distbench fetch` gets it from where torchvision does, with torchvision's checksums; a run
    reads it and downloads nothing. Where it has no test split one is made, in which copies stay on
    one side. Copies between published splits, on which results are compared, are counted.
    """

    model_config = ConfigDict(populate_by_name=True)

    examples = ("torchvision:CIFAR10",)

    dataset: str = primary(alias="name", description=f"one of {', '.join(sorted(SETS))}")
    path: Path | None = Field(
        None, description="torchvision's root folder; below $DISTBENCH_HOME if not given"
    )
    share: float = Field(
        0.2, gt=0, lt=1, description="of each class for testing, where there is no split for it"
    )
    seen_by: tuple[str, ...] = Field(
        (), description="data sets whose models have seen these images, e.g. imagenet-1k"
    )

    @field_validator("dataset")
    @classmethod
    def _known(cls, value: str) -> str:
        spelled = {name.casefold(): name for name in SETS}
        if value.casefold() not in spelled:
            raise ValueError(f"not among {', '.join(sorted(SETS))}.{did_you_mean(value, SETS)}")
        return spelled[value.casefold()]

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [] if self.path is not None else [archive(self.dataset)]

    def _find(self) -> tuple[TaskIndex, dict[str, Pool]]:
        wanted = archive(self.dataset)
        if self.path is None and not wanted.present():
            raise absent(wanted.what, f"--task {self.label}")
        if self.path is not None and not self.path.is_dir():
            raise DataError(f"the folder {self.path} does not exist; mend path=DIR")
        classes, pools = open_set(self.dataset, self.path or wanted.place)
        notes: list[str] = []
        items = items_of(pools)
        if "test" not in pools:
            total = len(pools["train"])
            divide(pools, items, self.share, wanted.what)
            notes.append(note(len(pools["test"]), total, self.share, "the images' names"))
        used = {label for pool in pools.values() for label in pool.labels}
        classes = tuple(name for name in classes if name in used)
        parts, copies = checked_parts(pools, items, classes, wanted.what, "allow")
        content = [(part, pool.names, pool.labels) for part, pool in sorted(pools.items())]
        return (
            TaskIndex(
                classes=classes,
                parts=parts,
                fingerprint=self._fingerprint([*content, *grouping_facts(parts)]),
                seen_by=self.seen_by,
                notes=(*notes, *copies),
            ),
            pools,
        )

    def _fingerprint(self, content: object) -> str:
        """Of names, labels, groups, and the images: by checksums, or the user's files."""
        origin: object = [(piece.file, piece.digest) for piece in archive(self.dataset).pieces]
        if self.path is not None:
            root = self.path.absolute()
            files = sorted(file for file in root.rglob("*") if file.is_file())
            origin = file_digests(root, files)
        whole = json.dumps([self.dataset, origin, content])
        return hashlib.sha256(whole.encode()).hexdigest()
