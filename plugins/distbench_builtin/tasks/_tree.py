"""What image files lie below a folder."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from distbench import DataError
from distbench_builtin.tasks._images import SUFFIXES


@dataclass(frozen=True)
class ImageFile:
    """One image file.

    Attributes:
        path: Where it lies.
        steps: Folders and file name from the root, in Unicode normal form C, since file systems
            spell the same name differently.
    """

    path: Path
    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        """Path from the root, with slashes on every machine."""
        return "/".join(self.steps)


@dataclass
class Tree:
    """A folder's content.

    Attributes:
        images: Sorted by name, byte by byte.
        folders: Every visible folder below the root, as steps.
        ignored: Files that are hidden or have no image suffix.
    """

    images: list[ImageFile] = field(default_factory=list)
    folders: set[tuple[str, ...]] = field(default_factory=set)
    ignored: int = 0


def walk(root: Path) -> Tree:
    """Finds all images below a folder; follows symbolic links, but never in a circle.

    Raises:
        DataError: A folder cannot be read, or a link leads nowhere.
    """
    tree = Tree()
    _visit(root, (), (), tree)
    tree.images.sort(key=lambda image: image.name)
    return tree


def _visit(
    folder: Path, steps: tuple[str, ...], above: tuple[tuple[int, int], ...], tree: Tree
) -> None:
    try:
        here = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"cannot read the folder {folder}: {error.strerror}; check its permissions"
        ) from None
    identity = (here.st_dev, here.st_ino)
    if identity in above:
        return
    if steps:
        tree.folders.add(steps)
    for entry in entries:
        inner = (*steps, _plain(entry.name))
        hidden = entry.name.startswith(".")
        if entry.is_dir():
            if not hidden:
                _visit(Path(entry.path), inner, (*above, identity), tree)
        elif hidden or Path(entry.name).suffix.lower() not in SUFFIXES:
            tree.ignored += 1
        elif entry.is_file():
            tree.images.append(ImageFile(Path(entry.path), inner))
        elif entry.is_symlink():
            raise DataError(
                f"{entry.path} is a link to a file that is not there; mend or remove it"
            )
        else:
            tree.ignored += 1


def _plain(name: str) -> str:
    """A name that can be stored as UTF-8."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)
