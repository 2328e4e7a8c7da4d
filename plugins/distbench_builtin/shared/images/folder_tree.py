"""What image files lie below a folder."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distbench import HEIF_SUFFIXES, IMAGE_SUFFIXES, DataError

_MADE_BY_SYSTEMS = frozenset(
    {
        *("@eadir", ".thumbnails", "__macosx", "#recycle", "$recycle.bin"),
        *(".appledouble", "lost+found"),
    }
)
"""Folders of network disks, file managers and archives, in lower case."""


HIDDEN = "hidden"
"""What files are counted as whose name begins with a dot."""
_SHOWN = 5


def made_by_systems(steps: Sequence[str]) -> bool:
    """Whether a file is a thumbnail or other companion that no person put there."""
    return steps[-1].startswith("._") or any(s.lower() in _MADE_BY_SYSTEMS for s in steps)


def note_of_ignored(ignored: Mapping[str, int]) -> list[str]:
    """What is said of files that are no images, the most frequent kinds of them first."""
    total = sum(ignored.values())
    if not total:
        return []
    ordered = sorted(ignored.items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = [f"{count} {suffix or 'without a suffix'}" for suffix, count in ordered[:_SHOWN]]
    more = ["others"] if len(ordered) > _SHOWN else []
    heif = sum(ignored.get(suffix, 0) for suffix in HEIF_SUFFIXES)
    how = "; HEIC and HEIF images are read once pillow-heif is installed" if heif else ""
    return [f"{total} file(s) ignored, no images by their suffix: {', '.join(kinds + more)}{how}"]


def note_of_left_out(number: int) -> list[str]:
    """What is said of such files."""
    what = "thumbnails, deleted files or companions that a system made (@eaDir, __MACOSX, ._*)"
    return [f"{number} image file(s) left out: {what}"] if number else []


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image file; there may be millions of them.

    Attributes:
        name: Path from the root, with slashes on every machine and in Unicode normal form C, since
            file systems spell the same name differently.
        spelt: The path where that is not how the file is found: from the root, or absolute.
    """

    name: str
    spelt: str | None = None

    @property
    def place(self) -> str:
        """The path by which the file is found, from the root or absolute."""
        return self.name if self.spelt is None else self.spelt

    @property
    def steps(self) -> tuple[str, ...]:
        """Folders and file name from the root."""
        return tuple(self.name.split("/"))


@dataclass
class Tree:
    """A folder's content.

    Attributes:
        images: Sorted by name, byte by byte.
        folders: Every visible folder below the root, as steps.
        ignored: How many files have no image suffix, by their suffix; or are hidden.
        left_out: Image files that `made_by_systems`.
    """

    images: list[ImageFile] = field(default_factory=list)
    folders: set[tuple[str, ...]] = field(default_factory=set)
    ignored: Counter[str] = field(default_factory=Counter)
    left_out: int = 0


def walk(root: Path) -> Tree:
    """Finds all images below a folder; follows symbolic links, but never in a circle.

    Raises:
        DataError: A folder cannot be read, or a link leads nowhere.
    """
    tree = Tree()
    _visit(os.fspath(root), "", "", (), tree)
    tree.images.sort(key=lambda image: image.name)
    return tree


def _visit(
    folder: str, name: str, place: str, above: tuple[tuple[int, int], ...], tree: Tree
) -> None:
    """Looks into a folder, whose path from the root is `name` as written and `place` as found."""
    try:
        here = os.stat(folder)  # noqa: PTH116
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"cannot read the folder {folder}: {error.strerror}; check its permissions"
        ) from None
    identity = (here.st_dev, here.st_ino)
    if identity in above:
        return
    if name:
        tree.folders.add(tuple(name[:-1].split("/")))
    for entry in entries:
        inner, path = name + plain(entry.name), place + entry.name
        hidden = entry.name.startswith(".")
        if made_by_systems([entry.name]):
            tree.left_out += _count_images(entry)
        elif entry.is_dir():
            if not hidden:
                below = (*above, identity)
                _visit(entry.path, f"{inner}/", f"{path}/", below, tree)
        elif hidden or not _is_image(entry.name):
            tree.ignored[HIDDEN if hidden else _suffix(entry.name)] += 1
        elif entry.is_file():
            tree.images.append(ImageFile(inner, None if path == inner else path))
        elif entry.is_symlink():
            raise DataError(
                f"{entry.path} is a link to a file that is not there; mend or remove it"
            )
        else:
            tree.ignored[_suffix(entry.name)] += 1


def _is_image(name: str) -> bool:
    return _suffix(name) in IMAGE_SUFFIXES


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _count_images(entry: os.DirEntry[str]) -> int:
    """Image files below a folder, or whether a file is one."""
    if not entry.is_dir(follow_symlinks=False):
        return int(_is_image(entry.name))
    return sum(_is_image(file) for *_, files in os.walk(entry.path) for file in files)


def plain(name: str) -> str:
    """A name that can be stored as UTF-8."""
    if name.isascii():
        return name
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)
