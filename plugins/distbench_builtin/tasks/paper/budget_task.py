"""Tasks of the second paper: published splits, and labels for published lists of images only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from distbench import DataError, Download, TaskIndex, UsageError, absent
from distbench_builtin.shared.downloads.first_of import first_of
from distbench_builtin.shared.images.drawing import by_hash
from distbench_builtin.shared.images.pool import Pool, lot, stem
from distbench_builtin.shared.images.pool_bonds import checked_parts, items_of
from distbench_builtin.shared.images.pooled_task import PooledTask
from distbench_builtin.tasks.paper.budgets import BUDGETED, Budgeted, NameList
from distbench_builtin.tasks.paper.mirrors import Mirror
from distbench_builtin.tasks.paper.names import key
from distbench_builtin.tasks.paper.task import checked, fingerprint, named_mirrors, place_of

PREFIX = "taskoriented-"
_HELD = 10
"""Images a class for validation where the paper has none."""

_AGAIN = re.compile(r"_n\d{8}$")
"""Names of ImageNet's images on the Hub end with the class once more."""

Key = tuple[str, str]


class BudgetTask(PooledTask):
    """A task of "Knowledge Transfer from Vision Foundation Models" (Vemulapalli et al., ICML 2024).

    Registered once for every data set, as ``taskoriented-DATASET``. Parts are those of the paper;
    ``budget`` says how many labels there are, and which images have one stands in the authors'
    lists. The other training images are there without labels. See docs/paper8.md.
    """

    budget: str | None = Field(
        None, description="labels a class, or per cent of all for ImageNet; all if not given"
    )
    mirror: str | None = Field(None, description="where it comes from; the first present if none")
    path: Path | None = Field(None, description="a folder with the official files")
    strict: bool = Field(
        True, description="false: go on with other numbers of images than expected, and note them"
    )

    def downloads(self) -> Sequence[Download]:
        """The images, and the lists of those that have labels."""
        plan = self._plan()
        mirrors = [mirror.download(plan.entry.title) for mirror in self._mirrors(plan)]
        images = [] if self.path is not None else [first_of(plan.entry.title, mirrors)]
        return [*images, *(names.download() for names in self._lists(plan))]

    def _plan(self) -> Budgeted:
        plan = BUDGETED.get(self.name.removeprefix(PREFIX))
        if plan is None:
            known = ", ".join(f"{PREFIX}{name}" for name in BUDGETED)
            raise UsageError(f"{self.name!r} is no task of the papers; there are {known}")
        if self.budget is not None and self.budget not in plan.budgets:
            raise UsageError(
                f"{self.name} has no budget {self.budget!r}; there are {', '.join(plan.budgets)}"
            )
        return plan

    def _mirrors(self, plan: Budgeted) -> Sequence[Mirror]:
        return named_mirrors(self.name, plan.entry, self.mirror)

    def _lists(self, plan: Budgeted) -> list[NameList]:
        labelled = [plan.budgets[self.budget]] if self.budget is not None else []
        return [*labelled, *plan.parts.values()]

    def _find(self) -> tuple[TaskIndex, dict[str, Pool]]:
        plan = self._plan()
        mirrors = self._mirrors(plan)
        mirror, folder = place_of(self, plan.entry.title, mirrors, self.path)
        for wanted in self._lists(plan):
            if not wanted.download().present():
                raise absent(f"the {wanted.download().what}", f"--task {self.label}")
        classes, pools, notes = checked(plan.entry, mirror, folder, strict=self.strict)
        if plan.divide is not None:
            pools = plan.divide(pools["all"])
        if plan.parts:
            held = pools["test"]
            pools |= {
                part: held.take(_rows(held, names.download().path, self.strict))
                for part, names in plan.parts.items()
            }
        if self.budget is not None:
            pools = self._labelled(plan, pools, notes)
        items = items_of(pools)
        parts, copies = checked_parts(pools, items, classes, plan.entry.title, "allow")
        index = TaskIndex(
            classes=classes,
            parts=parts,
            fingerprint=fingerprint(mirror, folder, self.path, pools, parts),
            seen_by=plan.entry.seen_by,
            notes=(*notes, *copies, f"licence: {plan.entry.licence}"),
        )
        return index, pools

    def _labelled(
        self, plan: Budgeted, pools: dict[str, Pool], notes: list[str]
    ) -> dict[str, Pool]:
        """Takes the labels away from the training images that are not on the list."""
        train = pools["train"]
        file = plan.budgets[str(self.budget)].download().path
        listed = set(_rows(train, file, self.strict))
        out = dict(pools)
        if "validation" not in pools:
            held = _apart(train, listed)
            out["validation"] = train.take(sorted(held))
            rest = [row for row in range(len(train)) if row not in held]
            listed = {new for new, row in enumerate(rest) if row in listed}
            train = train.take(rest)
            notes.append(
                f"the paper has no validation part: {_HELD} images a class that are not on the "
                "list were set apart for it"
            )
        labels = [label if row in listed else None for row, label in enumerate(train.labels)]
        out["train"] = train.relabelled(labels)
        notes.append(f"labels of {len(listed)} images, those of {file.name}")
        return out


def _rows(pool: Pool, file: Path, strict: bool) -> list[int]:
    """Where the images of a list are in a pool.

    Raises:
        DataError: An image of the list is not there.
    """
    lines = [line.rpartition(",") for line in file.read_text(encoding="utf-8").split("\n") if line]
    by_class = len(set(map(_stem, pool.names))) < len(pool)
    row_of = {known: row for row, known in enumerate(_keys(pool.names, pool.labels, by_class))}
    wanted = _keys([name for name, _, _ in lines], [label for _, _, label in lines], by_class)
    lack = [image for image in wanted if image not in row_of]
    if lack and (strict or len(lack) == len(wanted)):
        raise DataError(
            f"{len(lack)} of {len(wanted)} images of {file} are not in the data set, e.g. "
            f"{lack[0][0]!r}: its images have other names"
        )
    return sorted(row_of[image] for image in wanted if image in row_of)


def _keys(names: Sequence[str], labels: Sequence[str | None], by_class: bool) -> list[Key]:
    """By what an image of a list is known: its name, and its class where names are not unique."""
    if not by_class:
        return [(_stem(name), "") for name in names]
    known = {label: key(label) for label in set(labels) if label is not None}
    return [(_stem(n), known.get(c or "", "")) for n, c in zip(names, labels, strict=True)]


def _stem(name: str) -> str:
    return _AGAIN.sub("", stem(name))


def _apart(pool: Pool, listed: set[int]) -> set[int]:
    """Some images of each class that are not on the list; hashes of their names decide which."""
    classes: dict[str, list[int]] = {}
    for row, label in enumerate(pool.labels):
        if label is not None and row not in listed:
            classes.setdefault(label, []).append(row)
    held: set[int] = set()
    for label, rows in classes.items():
        lots = [lot(label, pool.names[row]) for row in rows]
        held.update(rows[i] for i in by_hash(lots)[:_HELD])
    return held
