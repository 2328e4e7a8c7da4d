"""Which images are meant: files, folders, patterns and tables, with their classes where known."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from distbench.errors import UsageError, did_you_mean
from distbench.storage.image_files import HEIF_SUFFIXES, IMAGE_SUFFIXES
from distbench.workflows.export.opened import Model
from distbench.workflows.predict.tables import TABLES, read_table

_SUFFIXES = IMAGE_SUFFIXES | HEIF_SUFFIXES
"""What is taken for an image, in lower case: also what cannot be read here, which is then said."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One image.

    Attributes:
        path: Its file.
        labels: Numbers of the classes that it shows; None where that is not known.
    """

    path: Path
    labels: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Columns:
    """Columns of tables.

    Attributes:
        path: Which holds the files; the first that has a usual name, if None.
        label: Which holds the classes; the same.
    """

    path: str | None = None
    label: str | None = None


def gather(given: Sequence[str], model: Model, *, labelled: bool, columns: Columns) -> list[Item]:
    """The images of all that was given, in its order; those of a folder by name.

    Args:
        given: Files, folders, patterns and tables.
        model: Whose classes labels are of.
        labelled: Whether labels are looked for: the classes' folders, or a column.
        columns: Of tables.

    Raises:
        UsageError: Something is not there or holds no image, or a label is none of the classes.
    """
    found: list[tuple[Path, tuple[str, ...] | None]] = []
    folders = frozenset(map(_folded, model.classes)) if labelled else frozenset()
    for text in given:
        before = len(found)
        if Path(text).is_dir():
            found += _of_folder(Path(text), labelled)
        elif Path(text).is_file() and Path(text).suffix.lower() in TABLES:
            found += read_table(Path(text), model, columns.path, columns.label, labelled)
        elif os.path.lexists(text):
            found.append((Path(text), _parent(Path(text), folders)))
        else:
            matches = map(Path, sorted(glob.glob(text, recursive=True)))  # noqa: PTH207 - any root
            images = [path for path in matches if _is_image(path)]
            found += [(path, _parent(path, folders)) for path in images]
        if len(found) == before:
            raise UsageError(_nothing(text))
    numbers = _Numbers(model.classes)
    items = [Item(path, None if names is None else numbers(names)) for path, names in found]
    if numbers.unknown:
        raise UsageError(_unknown(numbers.unknown, model))
    if labelled and not any(item.labels is not None for item in items):
        raise UsageError(
            "no image has a known class; give a folder of class folders, or a table with a column "
            "of classes (--label-column)"
        )
    return items


class _Numbers:
    """Names of classes to their numbers; remembers those that are none."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._exact = {name: number for number, name in enumerate(classes)}
        folded = Counter(map(_folded, classes))
        self._folded = {_folded(n): i for n, i in self._exact.items() if folded[_folded(n)] == 1}
        self.unknown: Counter[str] = Counter()

    def __call__(self, names: Sequence[str]) -> tuple[int, ...]:
        """Numbers of the names that are classes."""
        numbers = set()
        for name in names:
            number = self._exact.get(name, self._folded.get(_folded(name)))
            if number is None:
                self.unknown[name] += 1
            else:
                numbers.add(number)
        return tuple(sorted(numbers))


def _folded(name: str) -> str:
    return name.strip().casefold()


def _of_folder(root: Path, labelled: bool) -> Iterator[tuple[Path, tuple[str, ...] | None]]:
    """Images below a folder; the first folder below it says the class."""
    for path in _below(root):
        inside = path.relative_to(root).parts
        yield path, (inside[0],) if labelled and len(inside) > 1 else None


def _below(root: Path) -> Iterator[Path]:
    """Images below a folder by name, through links, but no folder within itself."""
    for here, folders, files in os.walk(root, followlinks=True):
        above = {os.path.realpath(p) for p in (Path(here), *Path(here).parents)}
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(Path(here, name)) not in above
        )
        yield from (path for name in sorted(files) if _is_image(path := Path(here, name)))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()


def _parent(path: Path, classes: Set[str]) -> tuple[str, ...] | None:
    """The folder of an image, where it is called like one of the classes, which are folded."""
    name = path.absolute().parent.name
    return (name,) if _folded(name) in classes else None


def _nothing(text: str) -> str:
    path = Path(text)
    if path.is_dir():
        return f"{text} holds no image ({', '.join(sorted(_SUFFIXES))})"
    if path.is_file():
        return f"{text} names no image"
    if glob.has_magic(text):
        return f"no image fits the pattern {text!r}"
    near = did_you_mean(path.name, [p.name for p in path.parent.glob("*")])
    return f"{text} does not exist.{near} Give images, folders, patterns or tables"


def _unknown(unknown: Counter[str], model: Model) -> str:
    shown = ", ".join(f"{name!r} ({count})" for name, count in unknown.most_common(_NAMED))
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    near = did_you_mean(next(iter(unknown)), model.classes)
    known = ", ".join(model.classes[:_NAMED]) + (", ..." if len(model.classes) > _NAMED else "")
    return f"labels that are no class of the model: {shown}{more}.{near} Its classes are {known}"
