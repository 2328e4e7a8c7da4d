"""Readers of the official forms of data sets: text files with lists, tables, images in folders."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from distbench import DataError
from distbench_builtin.shared.images.label_sets import joined
from distbench_builtin.shared.images.pool import Pool, of_files

NABIRDS_TREE = (
    "images/CLASS/ID.jpg, images.txt, image_class_labels.txt, classes.txt, train_test_split.txt"
)

_HEALTHY = "No Finding"
_SKIN = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")


def birds(folder: Path) -> dict[str, Pool]:
    """CUB-200-2011 and NABirds, which have one form: text files that number images and classes.

    Classes that no image has are left out; of two with one name each gets its number.

    Raises:
        DataError: A file is missing or wrong; says which.
    """
    root = _root(folder, "images.txt", NABIRDS_TREE)
    paths = dict(_pairs(root / "images.txt"))
    label_of = dict(_pairs(root / "image_class_labels.txt"))
    training = dict(_pairs(root / "train_test_split.txt"))
    class_names = dict(_pairs(root / "classes.txt"))
    for file, known in (("image_class_labels.txt", label_of), ("train_test_split.txt", training)):
        if lack := len(paths.keys() - known.keys()):
            raise DataError(f"{root / file} says nothing of {lack} of {len(paths)} images")
    used = set(label_of.values())
    if unnamed := sorted(used - class_names.keys()):
        raise DataError(f"{root / 'classes.txt'} has no class {unnamed[0]}")
    names = [class_names[number] for number in used]
    shown = {
        number: name if names.count(name) == 1 else f"{name} #{number}"
        for number, name in class_names.items()
        if number in used
    }
    files: dict[str, list[tuple[str, str | None]]] = {"train": [], "test": []}
    for image, path in sorted(paths.items(), key=lambda item: item[1]):
        part = "train" if training[image] == "1" else "test"
        files[part].append((f"images/{path}", shown[label_of[image]]))
    _check_files(root, [path for rows in files.values() for path, _ in rows])
    return {part: of_files(root, rows) for part, rows in files.items()}


def isic(folder: Path) -> dict[str, Pool]:
    """ISIC 2018, task 3: for each part a folder of images and a table with a 1 in one column.

    Raises:
        DataError: A file is missing or wrong; says which.
    """
    kind = {"train": "Training", "validation": "Validation", "test": "Test"}
    pools = {}
    for part, word in kind.items():
        truth = f"ISIC2018_Task3_{word}_GroundTruth"
        tables = sorted(folder.rglob(f"{truth}.csv"))
        if not tables:
            if part == "validation":  # 193 images that few people keep
                continue
            raise DataError(f"{folder} has no {truth}.csv")
        root = _root(folder, f"ISIC2018_Task3_{word}_Input", "the folder of its images")
        rows: list[tuple[str, str | None]] = []
        for row in _table(tables[0], ("image", *_SKIN)):
            marked = [name for name in _SKIN if float(row[name] or 0) == 1]
            if len(marked) != 1:
                raise DataError(f"{tables[0]}: image {row['image']} has {len(marked)} diagnoses")
            rows.append((f"ISIC2018_Task3_{word}_Input/{row['image']}.jpg", marked[0]))
        _check_files(root, [path for path, _ in rows])
        pools[part] = of_files(root, sorted(rows))
    return pools


def chestx14(folder: Path) -> dict[str, Pool]:
    """ChestX-ray14: the table of findings, the official lists, images in any folders below.

    Raises:
        DataError: A file is missing or wrong; says which.
    """
    return _chest(folder, several=True)


def chestx(folder: Path) -> dict[str, Pool]:
    """The same, of it the images with one finding."""
    return _chest(folder, several=False)


def _chest(folder: Path, *, several: bool) -> dict[str, Pool]:
    table = next(iter(sorted(folder.rglob("Data_Entry_2017*.csv"))), None)
    if table is None:
        raise DataError(f"{folder} has no Data_Entry_2017*.csv")
    paths = {path.name: path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    part_of: dict[str, str] = {}
    for part, name in (("train", "train_val_list.txt"), ("test", "test_list.txt")):
        file = next(iter(folder.rglob(name)), None)
        if file is None:
            raise DataError(f"{folder} has no {name}")
        part_of |= dict.fromkeys(file.read_text().split(), part)
    rows: dict[str, list[tuple[str, str | None]]] = {"train": [], "test": []}
    for row in _table(table, ("Image Index", "Finding Labels")):
        image, labels = row["Image Index"], row["Finding Labels"].split("|")
        findings = [label for label in labels if label != _HEALTHY]
        if image in part_of and (several or len(findings) == 1):
            path = paths.get(image, f"images/{image}")
            rows[part_of[image]].append((path, joined(findings)))
    _check_files(folder, [path for part in rows.values() for path, _ in part])
    pools = {part: of_files(folder, listed) for part, listed in rows.items()}
    return {part: replace(pool, several=several) for part, pool in pools.items()}


def _root(folder: Path, inner: str, tree: str) -> Path:
    """The folder, or one in it, that holds what it should."""
    candidates = [folder, *(p for p in sorted(folder.glob("*")) if p.is_dir())]
    for candidate in candidates:
        if (candidate / inner).exists():
            return candidate
    raise DataError(f"{folder} has no {inner}; expected there: {tree}")


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    """Lines of a number, a space and something."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        first, _, rest = line.strip().partition(" ")
        if first and not rest:
            raise DataError(f"{file}, line {number}: two words expected, found {line.strip()!r}")
        if first:
            yield first, rest.strip()


def _table(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        if lack := [name for name in columns if name not in (rows.fieldnames or ())]:
            raise DataError(f"{file} has no column {lack[0]!r}")
        yield from rows


def _check_files(root: Path, files: Sequence[str]) -> None:
    """Raises where listed images are not there."""
    held: dict[str, set[str]] = {}
    lack = []
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder not in held:
            place = root / folder
            held[folder] = {p.name for p in place.iterdir()} if place.is_dir() else set()
        if name not in held[folder]:
            lack.append(file)
    if lack:
        raise DataError(
            f"{len(lack)} of {len(files)} images listed in {root} are not there, e.g. {lack[0]}"
        )
