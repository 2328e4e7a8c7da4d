"""A data set of the Hugging Face Hub as a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from distbench import DataError, Download, TaskIndex, absent, primary
from distbench_builtin.shared.caching.file_digests import file_digests
from distbench_builtin.shared.hub_data import columns as _hub_data
from distbench_builtin.shared.hub_data.columns import HubDataSet, missing
from distbench_builtin.shared.hub_data.contents import hub_contents
from distbench_builtin.shared.hub_data.kinds import class_label_in
from distbench_builtin.shared.hub_data.labels import class_names, differently_numbered
from distbench_builtin.shared.hub_data.rows import Rows, open_splits
from distbench_builtin.shared.images.copies import DESCRIPTION as COPIES
from distbench_builtin.shared.images.copies import Copies
from distbench_builtin.shared.images.depth import DESCRIPTION as BITS
from distbench_builtin.shared.images.depth import Brightness, Depth, note_of_bits, with_bits
from distbench_builtin.shared.images.drawing import note
from distbench_builtin.shared.images.grouping import DESCRIPTION as GROUP
from distbench_builtin.shared.images.grouping import checked_groups, namer
from distbench_builtin.shared.images.label_spellings import DESCRIPTION as LABELS
from distbench_builtin.shared.images.label_spellings import Labels, check_groups, check_labels
from distbench_builtin.shared.images.peaks import deep_brightness, spread
from distbench_builtin.shared.images.pictures import note_of_pictures
from distbench_builtin.shared.images.pool import Pool
from distbench_builtin.shared.images.pool_bonds import (
    Items,
    checked_parts,
    divide,
    items_of,
    numbers_of,
    pictures_of_pools,
)
from distbench_builtin.shared.images.pooled_task import PooledTask

_VALIDATION = ("validation", "valid", "val", "dev")


class HubTask(PooledTask):
    """A data set of the Hugging Face Hub: parquet, or folders of images; no loading scripts.

    `distbench fetch` brings it into the Hub's cache; a run reads it from there. Image and label
    columns are found by their types where they are not named, and splits by their names. Where the
    labels are lists an image may show several classes. Without a split for testing one is made
    from the training images.
    """

    model_config = ConfigDict(populate_by_name=True)

    examples = ("hub:uoft-cs/cifar10",)

    id: str | None = primary(None, description="repository, org/name")
    path: Path | None = Field(None, description="a clone of such a repository, instead of id")
    revision: str | None = Field(None, description="branch, tag or full commit")
    config: str | None = Field(None, description="configuration, where there are several")
    image: str | None = Field(None, description="column of the images")
    label_column: str | None = Field(None, alias="label", description="column of the classes")
    train: str | None = Field(None, description="split to learn from; train if not given")
    test: str | None = Field(None, description="split to test on; test if there is one")
    validation: str | None = Field(None, description="split for validation, if there is one")
    share: float = Field(
        0.2, gt=0, lt=1, description="of each class for testing, where there is no split for it"
    )
    group: str | None = Field(None, description=GROUP.format(more=""))
    copies: Copies = Field("refuse", description=COPIES)
    labels: Labels = Field("check", description=LABELS)
    bits: int | None = Field(None, ge=8, le=16, description=BITS)
    files: tuple[str, ...] = Field(("*",), description="which files of the repository are fetched")
    seen_by: tuple[str, ...] = Field(
        (), description="data sets whose models have seen these images, e.g. imagenet-1k"
    )

    @model_validator(mode="after")
    def _one_place(self) -> HubTask:
        if (self.id is None) == (self.path is None):
            raise ValueError("give id=org/name, or path=DIR for a clone of a data set")
        if self.id is not None and self.id.count("/") != 1:
            raise ValueError(f"id={self.id} is no repository; write id=org/name")
        return self

    def accepts_copies(self) -> bool:  # noqa: D102
        return self.copies == "allow"

    def deep_bits(self) -> int:  # noqa: D102
        return self.bits or 16

    def identity(self) -> dict[str, Any]:  # noqa: D102
        identity = super().identity()
        params = {k: v for k, v in identity["params"].items() if k not in ("copies", "labels")}
        for later in ("group", "bits"):
            if params.get(later) is None:
                params.pop(later, None)
        return {**identity, "params": params}

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [self._data_set()] if self.id is not None else []

    def _data_set(self) -> HubDataSet:
        named = tuple(s for s in (self.train, self.test, self.validation) if s is not None)
        return HubDataSet(
            what=self._what(),
            repository=self.id or "",
            revision=self.revision,
            patterns=self.files,
            splits=tuple(name for name in named if name in ("train", "test")),
        )

    def _what(self) -> str:
        return f"data set {self.id} of the Hub" if self.id else f"the data set in {self.path}"

    def _folder(self) -> Path:
        if self.path is not None:
            if not self.path.is_dir():
                raise DataError(f"the data set folder {self.path} does not exist; mend path=DIR")
            if lack := missing(self.path):
                raise DataError(f"{self.path} lacks {lack}; complete it, or mend path=DIR")
            return self.path
        data = self._data_set()
        folder = data.folder() if data.present() else None
        if folder is None:
            raise absent(self._what(), f"--task '{self.label}'")
        return folder

    def _find(self) -> tuple[TaskIndex, dict[str, Pool]]:
        folder, what = self._folder(), self._what()
        origin = self._origin(folder)
        splits, features = open_splits(folder, self.config, what, origin)
        image = _hub_data.image_column(features, self.image, what)
        label = _hub_data.label_column(features, self.label_column, what)
        chosen = self._choose(list(splits), what)
        own = [splits[name] for name in chosen.values()]
        depth = Depth(self.bits, lambda: _peaks(own, image), what)
        key = {"origin": origin, "config": self.config, "column": image}
        pools = {
            part: _hub_data.pool_of(
                splits[name],
                features,
                image,
                label,
                names_from=f"{name}-",
                depth=depth,
                contents=hub_contents(splits[name], image, {**key, "split": name}),
            )
            for part, name in chosen.items()
        }
        notes = [f"{part} is split {name!r}" for part, name in chosen.items() if part != name]
        shown = None
        if self.copies == "together":
            shown = pictures_of_pools({**key, "splits": chosen}, pools)
            notes += note_of_pictures([name for own in shown.values() for name in own])
        groups = self._groups(pools, {p: splits[n] for p, n in chosen.items()})
        items = items_of(pools, groups, shown)
        if self.labels == "check":
            self._check_spellings(pools, items, chosen, features[label], label)
        numbers = numbers_of(items)
        if "test" not in pools:
            total = len(pools["train"])
            divide(pools, items, self.share, f"{what}; name a split with test=")
            notes.append(note(len(pools["test"]), total, self.share, "the images' names"))
        if all(value is None for value in pools["test"].labels):
            raise DataError(
                f"the test images of {what} have no labels; name another split with test= (it has "
                f"{', '.join(splits)})"
            )
        classes = class_names(features[label], pools.values())
        parts, copies = checked_parts(pools, items, classes, what, self.copies)
        notes += copies + note_of_bits(self.bits)
        # Groups matter to what is learnt, and to a test part that was drawn from them.
        together = len(set(numbers)) < len(numbers) and (
            "test" not in chosen or parts["train"].groups is not None
        )
        mixed = differently_numbered(own, features, label)
        if mixed:
            notes.append(
                f"{len(mixed)} files number the classes in an order of their own; they were read "
                "by name"
            )
        more = [*(numbers if together else ()), *(["by name"] if mixed else [])]
        index = TaskIndex(
            classes=classes,
            parts=parts,
            fingerprint=self._fingerprint(origin, chosen, image, label, pools, classes, more),
            seen_by=self.seen_by,
            notes=tuple(notes),
        )
        return index, pools

    def _check_spellings(
        self,
        pools: dict[str, Pool],
        items: Items,
        chosen: dict[str, str],
        kind: object,
        column: str,
    ) -> None:
        """Questions groups, and labels that are texts, that a person hardly meant."""
        what = self._what()
        check_groups((i for own in items.values() for i in own), self.group, what)
        if class_label_in(kind) is not None:
            return
        first: dict[str, str] = {}
        for part, pool in pools.items():
            for row, label in enumerate(pool.labels):
                for name in pool.names_in(label):
                    first.setdefault(name, f"row {row} of split {chosen[part]!r}")
        check_labels(first, what, column)

    def _choose(self, splits: list[str], what: str) -> dict[str, str]:
        """Which split is which part.

        Raises:
            DataError: A named one is not there, or none is for training.
        """
        for key in ("train", "test", "validation"):
            name = getattr(self, key)
            if name is not None and name not in splits:
                raise DataError(f"{what} has no split {name!r} ({key}={name}), only {splits}")
        train = self.train or ("train" if "train" in splits else None)
        if train is None and len(splits) == 1:
            train = splits[0]
        if train is None:
            raise DataError(f"{what} has no split 'train'; name one of {splits} with train=")
        chosen = {"train": train}
        test = self.test or ("test" if "test" in splits and train != "test" else None)
        if test is not None:
            chosen["test"] = test
        given = [name for name in _VALIDATION if name in splits and name not in chosen.values()]
        if validation := self.validation or next(iter(given), None):
            chosen["validation"] = validation
        twice = [name for name in chosen.values() if list(chosen.values()).count(name) > 1]
        if twice:
            raise DataError(f"split {twice[0]!r} of {what} cannot be two parts of a task at once")
        return chosen

    def _fingerprint(
        self,
        origin: list[object],
        chosen: dict[str, str],
        image: str,
        label: str,
        pools: dict[str, Pool],
        classes: tuple[str, ...],
        more: list[object],
    ) -> str:
        """Of where it is from, and of all that decides what is read."""
        drawn_share = self.share if "test" not in chosen else None
        counts = {part: len(pool) for part, pool in pools.items()}
        facts = [origin, self.config, image, label, chosen, drawn_share, counts, classes, *more]
        return with_bits(hashlib.sha256(json.dumps(facts).encode()).hexdigest(), self.bits)

    def _origin(self, folder: Path) -> list[object]:
        """The commit, or the files of a clone."""
        if self.path is None:
            return [self.id, folder.name]
        files = sorted(p for p in folder.absolute().rglob("*") if _is_data(p, folder.absolute()))
        names = [p.relative_to(folder.absolute()).as_posix() for p in files]
        return [names, file_digests(folder.absolute(), files)]

    def _groups(self, pools: dict[str, Pool], rows: dict[str, Rows]) -> dict[str, list[str | None]]:
        if self.group is None:
            return {}
        columns = next(iter(rows.values())).columns()
        groups: dict[str, list[str | None]]
        if self.group in columns:
            values = {part: own.column(self.group) for part, own in rows.items()}
            groups = {p: [None if v is None else str(v) for v in own] for p, own in values.items()}
        else:
            find = namer(self.group, columns)
            groups = {part: [find(name) for name in pool.names] for part, pool in pools.items()}
        checked_groups(self.group, [g for own in groups.values() for g in own], self._what())
        return groups


def _peaks(splits: Sequence[Rows], image: str) -> Iterator[Brightness]:
    """How bright a sample of images is."""
    for rows in splits:
        for position in spread(len(rows)):
            for data in rows.images(image, [position]):
                yield deep_brightness(data or b"")


def _is_data(file: Path, root: Path) -> bool:
    """Whether a file of a clone is part of the data and not of git's own or hidden."""
    return file.is_file() and not any(s.startswith(".") for s in file.relative_to(root).parts)
