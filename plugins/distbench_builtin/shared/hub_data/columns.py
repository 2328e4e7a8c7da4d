"""Data sets of the Hugging Face Hub: where they are kept, and which columns matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distbench import DataError, HubFiles
from distbench_builtin.shared.hub_data.kinds import class_label_in, in_words, inner_of, is_label
from distbench_builtin.shared.hub_data.labels import class_values
from distbench_builtin.shared.hub_data.rows import Rows
from distbench_builtin.shared.images.contents import Contents
from distbench_builtin.shared.images.decode import decode_bytes
from distbench_builtin.shared.images.pool import Pixels, Pool

if TYPE_CHECKING:
    from datasets import Features

    from distbench_builtin.shared.images.depth import Depth

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(.*)")
_LABELS = ("label", "labels", "class", "target", "category", "fine_label", "dx")
_IDS = ("image_id", "file_name", "filename", "id")


@dataclass
class HubDataSet(HubFiles):
    """A data set of the Hub in its cache, whole only if no part of it is missing.

    Args:
        splits: Splits that it must have; a file or folder of each is named so.
    """

    splits: tuple[str, ...] = ()

    def present(self) -> bool:
        folder = self.folder() if super().present() else None
        return folder is not None and not missing(folder, self.splits)


def missing(folder: Path, splits: Sequence[str] = ()) -> str | None:
    """What a folder plainly lacks: data files at all, parts of a row of files, a split."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    data = {n for n in names if not n.rsplit("/", 1)[-1].startswith((".", "README", "LICENSE"))}
    if not data:
        return "data files"
    for name in sorted(data):
        if match := _SHARD.fullmatch(name):
            start, _, count, end = match.groups()
            alike = re.compile(rf"{re.escape(start)}-\d{{5}}-of-{count}(?:-.*)?{_suffix(end)}")
            matching = sum(alike.fullmatch(other) is not None for other in data)
            if matching < int(count):
                return f"{int(count) - matching} of the {int(count)} files {start}-*"
    for split in splits:
        if not any(split in name.lower() for name in data):
            return f"files of split {split!r}"
    return None


def _suffix(end: str) -> str:
    """What ends a name; between the count and it some old names hold a hash of their own."""
    return re.escape(end[end.find(".") :] if "." in end else end)


def image_column(features: Features, given: str | None, what: str) -> str:
    """The column that holds the images.

    Raises:
        DataError: There is none, or several and none was named.
    """
    from datasets import Image

    if given is not None:
        return _named(features, given, "image", what)
    columns = [name for name, kind in features.items() if isinstance(kind, Image)]
    columns = columns or [name for name, kind in features.items() if _holds_bytes(kind)]
    if len(columns) > 1:
        columns = [name for name in columns if name in ("image", "img")] or columns
    if len(columns) == 1:
        return str(columns[0])
    which = f"several image columns ({', '.join(columns)})" if columns else "no image column"
    raise DataError(f"{what} has {which}; name one of {', '.join(features)} with image=")


def label_column(features: Features, given: str | None, what: str) -> str:
    """The column that holds the label of each image, or a list of all its labels.

    Raises:
        DataError: None can be told, and none was named; or it is no class label.
    """
    if given is not None:
        columns = [_named(features, given, "label", what)]
    else:
        columns = [name for name, kind in features.items() if class_label_in(kind)]
        if len(columns) != 1:
            named = [name for name in _LABELS if name in features and is_label(features[name])]
            columns = [name for name in named if not columns or name in columns][:1]
        if not columns:
            raise DataError(
                f"{what}: which column holds the classes? Name one of {', '.join(features)} with "
                "label="
            )
    if not is_label(features[columns[0]]):
        raise DataError(
            f"column {columns[0]!r} of {what} is no class label but "
            f"{in_words(features[columns[0]])}; a task needs a whole number, name or class for "
            "each image, or a list of them"
        )
    return columns[0]


def pool_of(
    rows: Rows,
    features: Features,
    image: str,
    label: str,
    *,
    names_from: str = "",
    depth: Depth | None = None,
    contents: Contents | None = None,
) -> Pool:
    """The images of a split with their classes as texts.

    Args:
        rows: The split.
        features: Types of the columns.
        image: Image column.
        label: Column of labels.
        names_from: What names start with where the data set has none for its images.
        depth: How many of 16 bits the data set uses.
        contents: What is known of the bytes of the images.
    """
    names = _names(rows, features, image, names_from)

    def read(positions: Sequence[int], side: int | None = None) -> list[Pixels]:
        encoded = zip(rows.images(image, positions), positions, strict=True)
        return [decode_bytes(_content(d, names[i]), names[i], side, depth) for d, i in encoded]

    labels = [_label(value) for value in class_values(rows, features, label)]
    return Pool(names, labels, read, contents, inner_of(features[label]) is not None)


def _content(data: bytes | None, name: str) -> bytes:
    if data is None:
        raise DataError(f"image {name!r} has no content where its data set should hold it")
    return data


def _label(value: Any) -> str | None:
    """A class as a text; numbers below zero stand for no class."""
    if value is None or value == "" or (isinstance(value, int) and value < 0):
        return None
    return str(value)


def _names(rows: Rows, features: Features, image: str, start: str) -> list[str]:
    """The images' own names where each has one of its own, else their numbers."""
    candidates: list[list[Any]] = [rows.paths(image)]
    candidates += [rows.column(name) for name in _IDS if name in features]
    for names in candidates:
        texts = [str(value) for value in names if value is not None and value != ""]
        if len(set(texts)) == len(rows):
            return texts
    return [f"{start}{i:06d}" for i in range(len(rows))]


def _named(features: Features, given: str, key: str, what: str) -> str:
    if given not in features:
        raise DataError(
            f"{what} has no column {given!r} ({key}={given}); it has {', '.join(features)}"
        )
    return given


def _holds_bytes(kind: Any) -> bool:
    """Whether a column of unknown meaning looks like images: bytes, or bytes with a path."""
    if isinstance(kind, dict):
        return "bytes" in kind
    return getattr(kind, "dtype", "") in ("binary", "large_binary")
