"""Predictions as a file: CSV, JSON lines or Parquet, whole or not there; or lines on a stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from distbench.errors import UsageError
from distbench.storage.atomic import replacing
from distbench.storage.safe_text import csv_cell, plain, plain_json

Format = Literal["csv", "jsonl", "parquet"]
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """What is written of an image.

    Attributes:
        image: Its file.
        predicted: The class, or the classes that are named.
        top: The likeliest classes with their probabilities.
        labels: The classes that it shows; None where that is not known.
        right: Whether that is what is predicted; None where it is not known.
    """

    image: str
    predicted: tuple[str, ...]
    top: tuple[tuple[str, float], ...]
    labels: tuple[str, ...] | None = None
    right: bool | None = None

    def cells(self, *, labelled: bool) -> dict[str, Any]:
        """As a row of a table; several classes have ``|`` between them."""
        row: dict[str, Any] = {"image": self.image, "predicted": "|".join(self.predicted)}
        if labelled:
            row["label"] = None if self.labels is None else "|".join(self.labels)
            row["right"] = self.right
        for number, (name, share) in enumerate(self.top, 1):
            row |= {f"class_{number}": name, f"probability_{number}": share}
        return row

    def table(self, *, labelled: bool) -> dict[str, Any]:
        """As a line of JSON."""
        known = {"labels": self.labels, "right": self.right} if labelled else {}
        top = [{"class": name, "probability": share} for name, share in self.top]
        return {"image": self.image, "predicted": self.predicted, **known, "top": top}


Write = Callable[[Sequence[Prediction]], None]


def format_of(output: Path | None, wanted: Format | None) -> Format:
    """The format of a file: what was wanted, else what its suffix says; of a stream CSV.

    Raises:
        UsageError: The suffix says none, or Parquet would go to a stream.
    """
    if output is None:
        if wanted == "parquet":
            raise UsageError("--format parquet needs a file: --output FILE.parquet")
        return wanted or "csv"
    told = wanted or _SUFFIXES.get(output.suffix.lower())
    if told is None:
        raise UsageError(
            f"--output {output}: its suffix says no format; write {', '.join(_SUFFIXES)}, or say "
            "it with --format csv, jsonl or parquet"
        )
    return told


@contextmanager
def writing(output: Path, form: Format, *, labelled: bool) -> Iterator[Write]:
    """A function that writes predictions; the file appears when all are written.

    Args:
        output: The file.
        form: Its format.
        labelled: Whether the classes that images show are written too.
    """
    with replacing(output) as draft:
        if form == "parquet":
            with _parquet(draft, labelled) as write:
                yield write
        else:
            with draft.open("w", encoding="utf-8", newline="") as file:
                yield lines_to(file.write, form, labelled=labelled)


def lines_to(put: Callable[[str], Any], form: Format, *, labelled: bool) -> Write:
    """A function that puts predictions out as whole lines.

    Args:
        put: Takes lines with their ends.
        form: ``csv`` or ``jsonl``.
        labelled: Whether the classes that images show are written too.
    """
    begun = False

    def write(predictions: Sequence[Prediction]) -> None:
        nonlocal begun
        text = io.StringIO()
        if form == "jsonl":
            for one in predictions:
                line = json.dumps(one.table(labelled=labelled), ensure_ascii=False)
                text.write(plain_json(line) + "\n")
        else:
            rows = [one.cells(labelled=labelled) for one in predictions]
            table = csv.writer(text, lineterminator="\n")
            if rows and not begun:
                table.writerow(rows[0])
                begun = True
            table.writerows([_cell(value) for value in row.values()] for row in rows)
        put(text.getvalue())

    return write


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}" if isinstance(value, float) else csv_cell(value)


@contextmanager
def _parquet(file: Path, labelled: bool) -> Iterator[Write]:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    writer: Any = None

    def write(predictions: Sequence[Prediction]) -> None:
        nonlocal writer
        rows = [one.cells(labelled=labelled) for one in predictions]
        if not rows:
            return
        schema = pyarrow.schema([(name, _kind(name, pyarrow)) for name in rows[0]])
        shown = [{k: plain(v) if isinstance(v, str) else v for k, v in r.items()} for r in rows]
        writer = writer or ParquetWriter(file, schema)
        writer.write_table(pyarrow.Table.from_pylist(shown, schema))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _kind(column: str, pyarrow: Any) -> Any:
    if column.startswith("probability_"):
        return pyarrow.float64()
    return pyarrow.bool_() if column == "right" else pyarrow.string()
