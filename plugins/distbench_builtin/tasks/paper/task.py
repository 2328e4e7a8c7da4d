"""The eight target tasks, each from the first of its mirrors that is present."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from distbench import DataError, Download, Part, Task, TaskIndex, UsageError, absent
from distbench_builtin.shared.downloads.first_of import first_of
from distbench_builtin.shared.images.pool import Pool
from distbench_builtin.shared.images.pool_bonds import (
    checked_parts,
    divide,
    grouping_facts,
    items_of,
)
from distbench_builtin.shared.images.pooled_task import PooledTask
from distbench_builtin.tasks.paper.entry import PaperEntry, differences, named, shown
from distbench_builtin.tasks.paper.mirrors import HubMirror, Mirror, Official, of_files
from distbench_builtin.tasks.paper.table import ENTRIES

PREFIX = "paper-"


class PaperTask(PooledTask):
    """A target task of "Distilling from Similar Tasks" (Borup et al., ICCV 2023).

    Registered once for every data set, as ``paper-DATASET``. The images come from a mirror on the
    Hub or from the official archives, whichever is present first; numbers of images and classes
    are compared with those that the data set has. See docs/paper8.md.
    """

    mirror: str | None = Field(None, description="where it comes from; the first present if none")
    path: Path | None = Field(
        None, description="a folder with the official files, or a clone of the first mirror"
    )
    strict: bool = Field(
        True, description="false: go on with other numbers of images than expected, and note them"
    )

    def downloads(self) -> Sequence[Download]:
        """One of the mirrors, tried in their order."""
        if self.path is not None:
            return []
        entry = self._entry()
        mirrors = named_mirrors(self.name, entry, self.mirror)
        return [first_of(entry.title, [m.download(entry.title) for m in mirrors])]

    def _entry(self) -> PaperEntry:
        entry = ENTRIES.get(self.name.removeprefix(PREFIX))
        if entry is None:
            known = ", ".join(f"{PREFIX}{name}" for name in ENTRIES)
            raise UsageError(f"{self.name!r} is no task of the papers; there are {known}")
        return entry

    def _groups(self, pools: Mapping[str, Pool]) -> dict[str, list[str | None]]:
        """What belongs together in each part, where something does besides copies."""
        return {}

    def _find(self) -> tuple[TaskIndex, dict[str, Pool]]:
        entry = self._entry()
        mirrors = named_mirrors(self.name, entry, self.mirror)
        mirror, folder = place_of(self, entry.title, mirrors, self.path)
        classes, pools, notes = checked(entry, mirror, folder, strict=self.strict)
        if "test" not in pools:
            kept = {"train": pools["all"]}
            items = items_of(kept, self._groups(kept))
            divide(kept, items, entry.share, entry.title)
            notes.append(
                f"no official test part: {entry.share:g} of each class were taken for it, fixed "
                "by hashes of the images' names"
            )
        else:
            kept = {part: pools[part] for part in ("train", "test")}
            items = items_of(kept, self._groups(kept))
        parts, copies = checked_parts(kept, items, classes, entry.title, "allow")
        index = TaskIndex(
            classes=classes,
            parts=parts,
            fingerprint=fingerprint(mirror, folder, self.path, kept, parts),
            seen_by=entry.seen_by,
            notes=(*notes, *copies, f"licence: {entry.licence}"),
        )
        return index, kept


def named_mirrors(task: str, entry: PaperEntry, mirror: str | None) -> Sequence[Mirror]:
    """All mirrors, or the one that was named.

    Raises:
        UsageError: There is none of that name.
    """
    if mirror is None:
        return entry.mirrors
    mirrors = [m for m in entry.mirrors if m.key.casefold() == mirror.casefold()]
    if not mirrors:
        known = ", ".join(m.key for m in entry.mirrors)
        raise UsageError(f"{task} has no mirror {mirror!r}; there are {known}")
    return mirrors


def place_of(
    task: Task, title: str, mirrors: Sequence[Mirror], path: Path | None
) -> tuple[Mirror, Path]:
    """The first mirror that is present, and its folder; contacts nothing.

    Raises:
        DataError: None is; says how to fetch it.
    """
    if path is not None:
        if not path.is_dir():
            raise DataError(f"the folder {path} does not exist; mend path=DIR")
        parquet = any(path.rglob("*.parquet"))
        usable = [m for m in mirrors if isinstance(m, HubMirror) == parquet]
        if not usable:
            raise DataError(f"{title} cannot be read from a folder such as {path}")
        # The authors' own form before torchvision's.
        return min(usable, key=lambda m: not isinstance(m, Official)), path
    for mirror in mirrors:
        folder = mirror.folder()
        if folder is not None:
            return mirror, folder
    by_hand = [m.by_hand for m in mirrors if isinstance(m, Official) and m.by_hand]
    error = absent(title, f"--task {task.label}")
    if len(by_hand) == len(mirrors):
        raise DataError(f"{error}, which says how: {mirrors[0].page} gives it away on request")
    raise error


def checked(
    entry: PaperEntry, mirror: Mirror, folder: Path, *, strict: bool
) -> tuple[tuple[str, ...], dict[str, Pool], list[str]]:
    """Classes and images of a mirror, compared with what they should be.

    Returns:
        Class names, the images of each part, and notes on where they are from.

    Raises:
        DataError: Something differs, and `strict`.
    """
    where = f"{entry.title} from {mirror.key} ({folder})"
    others = "Fetch it again, name another mirror with mirror=, or accept it with strict=false"
    try:
        classes, pools = named(entry, mirror.pools(folder))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    wrong = differences(entry, classes, pools)
    if wrong and strict:
        raise DataError(f"{where} is not what was expected: {'; '.join(wrong)}. {others}")
    if wrong:  # only what there is images of can be learnt
        present = shown(pools.values())
        classes = tuple(name for name in classes if name in present)
    return classes, pools, [f"from {mirror.page}", *(f"differs: {clause}" for clause in wrong)]


def fingerprint(
    mirror: Mirror,
    folder: Path,
    path: Path | None,
    pools: Mapping[str, Pool],
    parts: Mapping[str, Part],
) -> str:
    """Of the commit, the checksums or a user's files; and of every name, label and group."""
    origin = mirror.identity(folder) if path is None else of_files(path)
    content = [[part, list(p.names), list(p.labels)] for part, p in sorted(pools.items())]
    facts = [origin, content, *grouping_facts(parts)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
