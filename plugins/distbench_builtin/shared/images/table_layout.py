"""Which part and which class each image that a table lists belongs to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from distbench import IMAGE_SUFFIXES, DataError
from distbench_builtin.shared.images.bonds import Bonds
from distbench_builtin.shared.images.folder_tree import (
    ImageFile,
    made_by_systems,
    note_of_left_out,
    plain,
)
from distbench_builtin.shared.images.label_sets import by_rarest, check_joined, classes_in
from distbench_builtin.shared.images.label_spellings import Labels, check_labels
from distbench_builtin.shared.images.parts import (
    PARTS,
    UNLABELLED_NAMES,
    Classes,
    Layout,
    complete,
    some,
)
from distbench_builtin.shared.images.table_file import Table

_FILES = (
    *("file", "file_name", "filename", "file_path", "filepath", "path"),
    *("image", "image_name", "image_path", "image_file", "image_id"),
    *("img", "img_name", "img_path"),
)
_USUAL: Mapping[str, tuple[str, ...]] = {
    "file": _FILES,
    "label": ("label", "labels", "class", "class_name", "category", "target"),
    "split": ("split", "part", "partition", "subset", "set"),
}
"""Column names from which one is taken where the user names none, by parameter."""


def listed(
    path: Path,
    root: Path,
    share: float,
    columns: dict[str, str | None],
    bonds: Bonds,
    labels: Labels,
    further: Sequence[ImageFile] = (),
    *,
    multilabel: bool = False,
) -> Layout:
    """Reads a table of images.

    Args:
        path: The table.
        root: Where its file names start from.
        share: Share of the images that make a test part where the table has none.
        columns: Name of the column of ``file``, ``label`` and ``split``; None to look for it.
        bonds: What belongs together; gets the groups that a column names.
        labels: Whether labels that look like slips are questioned.
        further: Images of a further folder without labels.
        multilabel: Whether a cell may name several classes.

    Raises:
        DataError: It cannot be used; says what and what to do.
    """
    table = Table(path)
    file, label = (_column(table, role, columns[role]) for role in ("file", "label"))
    parts: dict[str, Classes] = {"train": {}}
    layout = Layout(parts)
    split = _split_column(table, columns["split"], layout.notes)
    chosen = [file, label, *([split] if split else [])]
    if bonds.group is not None and bonds.group in table.columns:
        chosen.append(bonds.group)
        bonds.of_rows = {}
    else:
        bonds.by_name(table.columns)
    finder = _Finder(root)
    blank: Counter[str] = Counter()
    first: dict[str, str] = {}
    sets: dict[str, tuple[str, ...]] = {}
    left_out = 0
    for number, (name, klass, *more) in table.rows(chosen):
        if not name:
            raise DataError(f"{table.row_name(number)} of {path} names no file (column {file!r})")
        if made_by_systems(name.replace("\\", "/").split("/")):
            left_out += 1
            continue
        image = finder.find(name)
        where = _part_of(table, number, more[0], split) if split else "train"
        if bonds.of_rows is not None and more[-1]:
            bonds.of_rows[image.place] = more[-1]
        if (where == "train" and not klass) or where == "unlabelled":
            layout.unlabelled.append(image)
        elif not klass:
            blank[where] += 1
        else:
            sets[image.place] = classes_in(klass) if multilabel else (klass,)
            for name in sets[image.place]:
                if name not in first:
                    first[name] = table.row_name(number)
            parts.setdefault(where, {}).setdefault(plain(klass), []).append(image)
    _check_files(path, root, file, finder)
    if labels == "check":
        check_labels(first, str(path), label)
        if not multilabel:
            check_joined(first, str(path), label)
    if multilabel:
        layout.parts, layout.sets = by_rarest(parts, sets), sets
    _check_classes(path, layout, label)
    if blank:
        layout.notes += [
            f"{n} {where} images without a label left out" for where, n in blank.items()
        ]
    how = "list more images, or say which are for testing in a column 'split'"
    complete(layout, further, share, 0, bonds, where=str(path), how=how)
    layout.notes += note_of_left_out(left_out)
    return layout


def _column(table: Table, role: str, given: str | None) -> str:
    """The column that is named, or the one that can only be meant."""
    shown = ", ".join(map(repr, table.columns)) or "none"
    if given is not None:
        if given not in table.columns:
            raise DataError(f"{table.path} has no column {given!r}; it has {shown}")
        return given
    column = _usual(table, role)
    if len(column) == 1:
        return column[0]
    what = {"file": "the names of the image files", "label": "the classes"}[role]
    if column:
        raise DataError(
            f"{what} could be in {' or '.join(map(repr, column))} of {table.path}; say which with "
            f"{role}=COLUMN"
        )
    raise DataError(
        f"which column of {table.path} holds {what}? It has {shown} (from its first line); say "
        f"{role}=COLUMN"
    )


def _usual(table: Table, role: str) -> list[str]:
    return [c for c in table.columns if c.lower().replace(" ", "_") in _USUAL[role]]


def _split_column(table: Table, given: str | None, notes: list[str]) -> str | None:
    """The column of parts; one that is not named counts if it names any part at all."""
    if given is not None:
        return _column(table, "split", given)
    for column in _usual(table, "split"):
        if any(value.lower() in PARTS for _, (value,) in table.rows([column])):
            return column
        notes.append(f"column {column!r} of the table names no part and is not used")
    return None


def _part_of(table: Table, number: int, value: str, column: str) -> str:
    lower = value.lower()
    if lower in UNLABELLED_NAMES:
        return "unlabelled"
    if lower not in PARTS:
        what = f"part {value!r}" if value else "no part"
        raise DataError(
            f"{table.row_name(number)} of {table.path} has {what} in column {column!r}; "
            "write train, test, val or unlabelled"
        )
    return PARTS[lower]


class _Finder:
    """Finds the files of a table, and keeps what is missing or listed twice."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100 - links stay as they are
        self.missing: list[str] = []
        self.twice: list[str] = []
        self._seen: set[str] = set()

    def find(self, name: str) -> ImageFile:
        """The image of this name; missing ones are noted and complained of together."""
        path = self._existing(name)
        if path is None:
            self.missing.append(name)
            return ImageFile(name)
        place = os.path.normpath(path)
        if os.path.isabs(place) and place.startswith(self._root + os.sep):  # noqa: PTH117
            place = place[len(self._root) + 1 :]
        if place in self._seen:
            self.twice.append(name)
        self._seen.add(place)
        shown = plain(place.replace(os.sep, "/"))
        return ImageFile(shown, None if shown == place else place)

    def _existing(self, name: str) -> str | None:
        """As it is written; with slashes the other way; or with the suffix that was left off."""
        for spelling in (name, name.replace("\\", "/")):
            if self._is_file(spelling):
                return spelling
        if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122
            return None
        return next((name + s for s in sorted(IMAGE_SUFFIXES) if self._is_file(name + s)), None)

    def _is_file(self, name: str) -> bool:
        try:
            return os.path.isfile(os.path.join(self._root, name))  # noqa: PTH113, PTH118
        except ValueError:  # a name with a zero byte
            return False


def _check_files(path: Path, root: Path, column: str, finder: _Finder) -> None:
    if finder.missing:
        raise DataError(
            f"{len(finder.missing)} files that {path} lists (column {column!r}) are not in {root}: "
            f"{some(finder.missing)}; mend the names, or say path=DIR, the folder that they start "
            "from"
        )
    if finder.twice:
        raise DataError(
            f"{path} lists {len(finder.twice)} files more than once: {some(finder.twice)}; keep "
            "one row for each"
        )


def _check_classes(path: Path, layout: Layout, column: str) -> None:
    train = layout.of_part("train")
    if any(_is_fraction(name) for name in train) and len(train) > sum(map(len, train.values())) / 2:
        raise DataError(
            f"column {column!r} of {path} holds numbers, such as {next(iter(train))!r}, and few "
            "images have the same: distbench learns classes, and no numbers yet (regression); "
            "write classes, such as ranges of them"
        )
    if len(train) < 2:
        what = f"one class ({next(iter(train))!r})" if train else "no label"
        raise DataError(
            f"the training images of {path} have {what} in column {column!r}; a task needs two "
            "classes or more"
        )
    for part in ("test", "validation"):
        if alone := sorted(set(layout.of_part(part)) - set(train)):
            raise DataError(
                f"class {some(alone, quote=True)} of {path} has {part} images but no training "
                "images; list some, or remove it"
            )


def _is_fraction(text: str) -> bool:
    """Whether a text is a number, and no whole one."""
    try:
        return not float(text).is_integer()
    except ValueError:
        return False
