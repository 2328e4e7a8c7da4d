"""Rows of a data set in a folder of the Hugging Face Hub's formats, read without converting it."""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distbench import DataError, home
from distbench_builtin.shared.hub_data.kinds import class_label_in, with_names

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset, Features

_KEPT = 2**28
"""Bytes of row groups that are kept in memory; at least one is."""


class Rows(ABC):
    """The rows of one split."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def columns(self) -> list[str]:
        """Names of all columns."""

    @abstractmethod
    def column(self, name: str) -> list[Any]:
        """All values of a column; no other column is read."""

    @abstractmethod
    def paths(self, name: str) -> list[str | None]:
        """File names that an image column gives; its images are not read."""

    def files(self, name: str) -> list[tuple[str, int, list[str] | None]]:
        """The files in order: path, number of rows, and the class names of a column, if any."""
        return [("", len(self), None)]

    @abstractmethod
    def images(self, name: str, positions: Sequence[int]) -> list[bytes | None]:
        """Encoded images, as they are stored. May be called from several threads at once."""


class ParquetRows(Rows):
    """Parquet files, read where they lie: a copy in another format would double a data set.

    Only the row groups that hold the wanted images are in memory.
    """

    def __init__(self, files: Sequence[str]) -> None:
        import pyarrow.parquet as pq

        self._files = list(files)
        self._metadata = [pq.read_metadata(file) for file in self._files]
        self._groups = [
            (number, group)
            for number, facts in enumerate(self._metadata)
            for group in range(facts.num_row_groups)
        ]
        counts = [self._metadata[n].row_group(g).num_rows for n, g in self._groups]
        self._starts = np.cumsum([0, *counts])
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[int, str], pa.ChunkedArray] = OrderedDict()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def columns(self) -> list[str]:
        return list(self._metadata[0].schema.to_arrow_schema().names)

    def column(self, name: str) -> list[Any]:
        return [v for number in range(len(self._files)) for v in self._read(number, name)]

    def paths(self, name: str) -> list[str | None]:
        import pyarrow as pa

        paths: list[str | None] = []
        for number, facts in enumerate(self._metadata):
            kind = facts.schema.to_arrow_schema().field(name).type
            if pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
                paths += [v and v["path"] for v in self._read(number, f"{name}.path")]
            else:
                paths += [None] * facts.num_rows
        return paths

    def files(self, name: str) -> list[tuple[str, int, list[str] | None]]:
        return [
            (file, facts.num_rows, _class_names(facts, name))
            for file, facts in zip(self._files, self._metadata, strict=True)
        ]

    def images(self, name: str, positions: Sequence[int]) -> list[bytes | None]:
        wanted = np.asarray(positions, dtype=np.int64)
        groups = np.searchsorted(self._starts, wanted, side="right") - 1
        encoded: dict[int, bytes | None] = {}
        for group in np.unique(groups):
            values = self._group(int(group), name)
            for position in wanted[groups == group]:
                value = values[int(position - self._starts[group])].as_py()
                encoded[int(position)] = value["bytes"] if isinstance(value, dict) else value
        return [encoded[int(p)] for p in wanted]

    def _read(self, number: int, column: str) -> list[Any]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._files[number], metadata=self._metadata[number]) as file:
            return list(file.read(columns=[column]).column(0).to_pylist())

    def _group(self, group: int, column: str) -> pa.ChunkedArray:
        """One row group; the last ones used are kept, since images are read in their order."""
        import pyarrow.parquet as pq

        key = (group, column)
        with self._lock:
            if key not in self._held:
                number, inner = self._groups[group]
                with pq.ParquetFile(self._files[number], metadata=self._metadata[number]) as file:
                    self._held[key] = file.read_row_group(inner, columns=[column]).column(0)
                while len(self._held) > 1 and sum(v.nbytes for v in self._held.values()) > _KEPT:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return self._held[key]


class ArrowRows(Rows):
    """What the datasets library has prepared: image folders, archives, other formats."""

    def __init__(self, rows: Dataset) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def columns(self) -> list[str]:
        return list(self._rows.column_names)

    def column(self, name: str) -> list[Any]:
        table = self._rows.select_columns([name]).with_format("arrow")[:]
        return list(table.column(0).to_pylist())

    def paths(self, name: str) -> list[str | None]:
        table = self._rows.select_columns([name]).with_format("arrow")[:].flatten()
        wanted = f"{name}.path"
        if wanted not in table.column_names:
            return [None] * len(self)
        return list(table.column(wanted).to_pylist())

    def images(self, name: str, positions: Sequence[int]) -> list[bytes | None]:
        rows = self._rows.select_columns([name]).with_format("arrow")[list(positions)]
        return [_bytes(value) for value in rows.column(0).to_pylist()]


def _class_names(facts: Any, column: str) -> list[str] | None:
    """What a parquet file itself says of the classes of a column."""
    from datasets import Features

    try:
        columns = Features.from_arrow_schema(facts.schema.to_arrow_schema())
    except Exception:  # written by another library, or a type that datasets does not know
        return None
    kind = class_label_in(columns.get(column))
    return list(kind.names) if kind is not None and kind.names else None


def _bytes(value: Any) -> bytes | None:
    data: bytes | None = value["bytes"] if isinstance(value, dict) else value
    if data is not None or not isinstance(value, dict):
        return data
    try:
        return Path(value["path"]).read_bytes() if value["path"] else None
    except OSError as error:
        raise DataError(f"cannot read the image {value['path']}: {error.strerror}") from None


def _with_all_names(features: Features, files: Sequence[str]) -> Features:
    """Types of columns with the class names of all files, those of the first one first."""
    import pyarrow.parquet as pq

    kinds = {name: class_label_in(kind) for name, kind in features.items()}
    known = {name: list(kind.names or ()) for name, kind in kinds.items() if kind is not None}
    for file in files if known else ():
        facts = pq.read_metadata(file)
        for column, names in known.items():
            new = [name for name in _class_names(facts, column) or () if name not in names]
            if new:
                names += new
                features[column] = with_names(features[column], names)
    return features


def open_splits(
    folder: Path, config: str | None, what: str, origin: object
) -> tuple[dict[str, Rows], Features]:
    """The splits of a data set that lies in a folder, and the types of its columns.

    The card's declarations hold where there is one. Parquet is read as it is; anything else is
    prepared by the datasets library below ``$DISTBENCH_HOME/datasets``, for each content anew: the
    library itself knows files by their paths and times alone, which an edit may keep.

    Args:
        folder: A snapshot or clone of a repository.
        config: Which of its configurations; needed where there are several.
        what: How the data set is called in messages.
        origin: What its content is known by: the commit, or the digests of its files; as JSON.

    Raises:
        DataError: It cannot be read; says why.
    """
    from datasets import Features, load_dataset_builder
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    content = hashlib.sha256(json.dumps(origin).encode()).hexdigest()
    try:
        cache = home() / "datasets" / content
        builder = load_dataset_builder(str(folder), config, cache_dir=str(cache))
        files = {
            str(split): list(paths) for split, paths in (builder.config.data_files or {}).items()
        }
        parquet = files and all(f.endswith(".parquet") for paths in files.values() for f in paths)
        if parquet:
            import pyarrow.parquet as pq

            first = next(iter(files.values()))[0]
            features = builder.info.features or _with_all_names(
                Features.from_arrow_schema(pq.read_schema(first)),
                [path for paths in files.values() for path in paths],
            )
            splits: dict[str, Rows] = {split: ParquetRows(paths) for split, paths in files.items()}
        else:
            builder.download_and_prepare()
            dataset = builder.as_dataset()
            splits = {str(split): ArrowRows(rows) for split, rows in dataset.items()}
            features = next(iter(dataset.values())).features
    except Exception as error:  # of several libraries: no data files, a wrong card, broken files
        reason = " ".join(str(error).split())[:300].rstrip(".")
        hint = "; name one with config=" if "Config name is missing" in reason else ""
        raise DataError(f"cannot read {what} in {folder}: {reason}{hint}") from None
    declared = builder.info.splits or {}
    for split, rows in splits.items():
        facts = declared.get(split)
        if facts is not None and facts.num_examples and facts.num_examples != len(rows):
            raise DataError(
                f"{what} has {len(rows)} rows in split {split!r}, but its card says "
                f"{facts.num_examples}: some of its files may be missing; fetch it again"
            )
    return splits, features
