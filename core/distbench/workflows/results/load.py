"""Runs, bundles and folders of them read into data frames: what `distbench.load` gives."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.errors import RefusedError, UsageError
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.storage.frames import Tabular
from distbench.storage.probabilities import probabilities
from distbench.storage.safe_text import harmless_text
from distbench.workflows.collect import notes_of, origins_of, read_inputs
from distbench.workflows.inputs.result_inputs import Answers, ResultInput, open_input
from distbench.workflows.results.long_frame import LongFrame
from distbench.workflows.results.row_columns import COLUMNS, SHOWN, Column, row_values
from distbench.workflows.results.row_table import row_table

if TYPE_CHECKING:
    import pyarrow
    from pandas import DataFrame

LOADED = (
    *COLUMNS,
    Column("origin", "text", "file or folder that the row was read from"),
    Column("submitter", "text", "who submitted it; runs have none"),
)
"""Columns of `Results.rows`, before those of protocol facts that differ."""

PROTOCOL = "protocol_"
"""How the columns of protocol facts begin."""


class Results(Tabular):
    """What runs and bundles hold, as data frames of pandas; a table of their cells in a notebook.

    All is read and checked when it is loaded. `rows` are held; of the other frames each is read
    from the files when it is asked for, and then kept.

    Args:
        inputs: What was read.
        tables: The rows of each.
        refused: What was left out, a line each with the reason.
    """

    shown = SHOWN

    def __init__(
        self,
        inputs: Sequence[ResultInput],
        tables: Sequence[pyarrow.Table],
        refused: Sequence[str] = (),
    ) -> None:
        import pyarrow

        self._places = [Path(one.origin.path) for one in inputs]
        self._table = pyarrow.concat_tables(tables)
        keys = set(self._table.column("key").to_pylist())
        left_out = tuple(f"left out: {line}" for line in refused)
        self.notes: tuple[str, ...] = (
            *left_out,
            *notes_of(inputs, tuple(origins_of(inputs, keys))),
        )
        """What a person should know: what was left out and why, what is missing, what is claimed
        and not proved."""

    @cached_property
    def rows(self) -> DataFrame:
        """A line for each cell; the columns are those of docs/data.md.

        Behind them stands a column ``protocol_NAME`` for each fact of the protocol in which cells
        differ.
        """
        frame = self._table.to_pandas()
        protocols = {text: from_json(text) for text in frame["protocol"].unique()}
        for name in _differing(list(protocols.values())):
            frame[PROTOCOL + name] = [protocols[text].get(name) for text in frame["protocol"]]
        return frame

    @cached_property
    def predictions(self) -> DataFrame:
        """A line for each test image of each cell that is done and whose answers are kept.

        ``image`` is its place in the test part, ``label`` what would have been right where that is
        known, ``prediction`` what the student said, ``probability`` what it gave to its answer
        where that is kept. Where an image may show several classes it has a line for each
        ``class``, label and prediction are 1 or 0, and the probability is that of the class.
        """
        import pandas

        frame = LongFrame(
            {"image": "i4", "class": "i4", "label": "i8", "prediction": "i8", "probability": "f8"}
        )
        for origin, answers in self._answers():
            if answers.predictions is not None:
                frame.add(answers.row, origin, _answered(answers, answers.predictions))
        made = frame.frame()
        for name in ("class", "label"):
            values = made[name].to_numpy()
            made[name] = pandas.arrays.IntegerArray(values, values < 0)
        return made

    @cached_property
    def weights(self) -> DataFrame:
        """A line for each source that a cell could learn from: ``weight``, and ``score`` if any."""
        frame = LongFrame({"source": object, "weight": "f8", "score": "f8"})
        for origin, answers in self._answers():
            if answers.row.result is not None:
                sources = answers.row.result.sources
                names = list(dict.fromkeys((*sources.eligible, *sources.weights, *sources.scores)))
                values = {
                    "source": np.array(names, dtype=object),
                    "weight": _of(sources.weights, names),
                    "score": _of(sources.scores, names),
                }
                frame.add(answers.row, origin, values)
        return frame.frame().astype({"source": "category"})

    @cached_property
    def curves(self) -> DataFrame:
        """A line for each point of the learning curve of each cell.

        ``loss`` and ``validation_accuracy`` after so many optimiser steps (``step``).
        """
        frame = LongFrame({"step": "i8", "loss": "f8", "validation_accuracy": "f8"})
        for origin, answers in self._answers():
            if answers.row.result is not None:
                points = answers.row.result.curve
                accuracies = [point.validation_accuracy for point in points]
                values = {
                    "step": np.array([point.step for point in points], dtype=np.int64),
                    "loss": np.array([point.loss for point in points], dtype=np.float64),
                    "validation_accuracy": np.array(accuracies, dtype=np.float64),
                }
                frame.add(answers.row, origin, values)
        return frame.frame()

    def records(self) -> Iterator[Mapping[str, Any]]:
        """The lines of `rows`."""
        yield from self.rows.to_dict("records")

    def to_pandas(self) -> DataFrame:
        """`rows`, as a copy."""
        return self.rows.copy()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *map(harmless_text, self.notes)])

    def _repr_html_(self) -> str:
        notes = (f"<p>{html.escape(harmless_text(note))}</p>" for note in self.notes)
        return "".join([super()._repr_html_(), *notes])

    def _answers(self) -> Iterator[tuple[str, Answers]]:
        """All rows again with what lies beside them, and where each was read from."""
        for place in self._places:
            with without_cycles():
                for answers in open_input(place).rows:
                    yield str(place), answers


def load_results(paths: Sequence[Path]) -> Results:
    """Reads runs, files of rows, bundles, and folders of them; nothing in them is executed.

    Args:
        paths: What to read.

    Raises:
        UsageError: There is no such path, or it is none of these.
        RefusedError: It is one, but cannot be read or was altered.
    """
    missing = [path for path in paths if not path.exists()]
    if missing or not paths:
        what = f"there is no file or folder {str(missing[0])!r}" if missing else "nothing is named"
        raise UsageError(f"{what}; give a run's folder, its rows.jsonl, a bundle, or a folder")
    inputs, tables, refused = read_inputs(paths, lambda _, one: _table(one))
    if not inputs:
        raise RefusedError("; ".join(refused[:3]))
    return Results(inputs, tables, refused)


def _table(one: ResultInput) -> pyarrow.Table:
    about = {"origin": one.origin.path, "submitter": one.origin.submitter}
    return row_table(({**row_values(answers.row), **about} for answers in one.rows), LOADED)


def _differing(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    """The facts in which protocols differ, in their order."""
    names = dict.fromkeys(name for protocol in protocols for name in protocol)
    return [name for name in names if any(p.get(name) != protocols[0].get(name) for p in protocols)]


def _of(values: Mapping[str, float], names: Sequence[str]) -> NDArray[np.float64]:
    """Values by name, NaN where there is none; no weight at all is none."""
    return np.array([values.get(name, np.nan) for name in names], dtype=np.float64)


def _answered(answers: Answers, predictions: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns of a cell's answers; a class or label that there is not is -1."""
    several = predictions.ndim == 2
    labels, logs = answers.labels, answers.logs(answers.row)
    images, classes = (
        np.indices(predictions.shape) if several else (np.arange(len(predictions)), -1)
    )
    if labels is None or labels.shape != predictions.shape:
        labels = np.full(predictions.shape, -1)
    given = np.full(predictions.shape, np.nan)
    if logs is not None and len(logs) == len(predictions):
        shares = probabilities(logs, several=several)  # (m, c)
        given = shares if several else shares[np.arange(len(shares)), predictions]
    return {
        "image": images.ravel(),
        "class": np.broadcast_to(classes, predictions.shape).ravel(),
        "label": labels.ravel(),
        "prediction": predictions.ravel(),
        "probability": given.ravel(),
    }
