"""Results from anywhere: run folders and submitted bundles, read one row at a time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from distbench.errors import DistbenchError, PluginError, RefusedError
from distbench.leaderboard.rows.evidence import EVIDENCE, BundleEvidence
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.records import RowRecord
from distbench.leaderboard.rows.row_reader import Reader
from distbench.leaderboard.tables.text_table import plural
from distbench.plugins.registry import Registry, registry
from distbench.storage.hits import packed_hits
from distbench.storage.missing_cells import missing_cells
from distbench.storage.paths import without_links
from distbench.workflows.inputs.hub_bundles import with_bundles
from distbench.workflows.inputs.result_inputs import NO_ROWS, ROWS, Answers, ResultInput, open_input
from distbench.workflows.judging import Judging

T = TypeVar("T")

BUNDLE = ".distbench.zip"
"""How the name of a bundle ends."""


def default_inputs() -> list[Path]:
    """``runs`` and ``registry/results``, where they exist."""
    return [path for path in (Path("runs"), Path("registry/results")) if path.is_dir()]


def collect(
    paths: Sequence[Path], judging: Judging | None = None, records: Path | None = None
) -> Collected:
    """Reads run folders and bundles, and those in other folders at any depth.

    What cannot be read, was altered, or claims what cannot be, is refused as a whole, with one line
    that says why; the others are kept. How far the rows of bundles are believed stands with them.

    Args:
        paths: Folders, bundles, and ``hub:ORG/DATASET[@REVISION]`` for those of the Hub.
        judging: By which measures; each task by its own, of what is installed, if None.
        records: Folder of records of cells that were computed again, which are believed.

    Raises:
        PluginError: A measure fails.
        RefusedError: Bundles of the Hub cannot be had.
    """
    places, hubs = with_bundles(paths)
    judging = judging or Judging(registry())
    reader = Reader()

    def rows_of(number: int, one: ResultInput) -> tuple[ResultInput, list[RowRecord]]:
        known = one if records is None else _with_record(one, records)
        whole = known.origin.recomputed
        evidence = (
            BundleEvidence(known.origin.again, whole) if one.origin.kind == "bundle" else None
        )
        with without_cycles():
            rows = [_record(reader, number, one, each, judging, evidence) for each in one.rows]
        if evidence is not None and evidence.contradicted:
            known.notes.append(
                f"accuracies of {plural(evidence.contradicted, 'row')} are not what the "
                "predictions give with the labels known here; `distbench validate` says which"
            )
        return known, rows

    _, read, refused = read_inputs(places, rows_of, judging.names)
    inputs = [one for one, _ in read]
    rows = [row for _, some in read for row in some]
    origins = tuple(origins_of(inputs, {row.key for row in rows}))
    notes = (*notes_of(inputs, origins, _evidence_text(rows)), *judging.notes)
    for hub in hubs:
        origins = tuple(replace(one, path=hub.naming(one.path)) for one in origins)
        refused = [*hub.left_out, *map(hub.naming, refused)]
        notes = (hub.stated, *map(hub.naming, notes))
    return Collected(origins, tuple(rows), tuple(refused), notes)


def read_inputs(
    paths: Sequence[Path],
    read: Callable[[int, ResultInput], T],
    names: Registry | None = None,
) -> tuple[list[ResultInput], list[T], list[str]]:
    """Reads run folders, files of rows and bundles, and those in other folders at any depth.

    Args:
        paths: Folders and files; what lies in two of them is read once.
        read: Reads all rows of an input; it is also told which one it is, if it is not refused.
        names: As for `open_input`.

    Returns:
        The inputs that could be read, what was made of each, and a line for each refused one.

    Raises:
        PluginError: A plugin fails.
    """
    inputs: list[ResultInput] = []
    made: list[T] = []
    refused: list[str] = []
    seen: set[Path] = set()
    for path in paths:
        places = list(_places(path))
        if not places:
            refused.append(f"{path}: {_nothing(path)}")
        for place in places:
            if without_links(place) in seen:
                continue
            seen.add(without_links(place))
            try:
                one = open_input(place, names)
                result = read(len(inputs), one)
            except PluginError:
                raise
            except DistbenchError as error:
                refused.append(f"{place}: {error}")
            except OSError as error:
                refused.append(f"{place}: cannot be read: {error.strerror or error}")
            else:
                inputs.append(one)
                made.append(result)
    return inputs, made, refused


def _record(
    reader: Reader,
    number: int,
    one: ResultInput,
    answers: Answers,
    judging: Judging,
    evidence: BundleEvidence | None,
) -> RowRecord:
    """A row as a leaderboard takes it, judged."""
    row, task = answers.row, answers.row.task.id
    by = judging.of_task(task, one.measures.get(task, ""))
    known = answers.predictions
    return reader.record(
        row,
        number,
        hits=packed_hits(row, known, answers.labels),
        group=one.origin.groups.get(task, ""),
        measure=by,
        judged=judging.judged(
            by,
            row,
            None if known is None else known.astype(np.int64),
            answers.labels,
            answers.logs,
        ),
        evidence="run" if evidence is None else evidence.of(row, known, answers.labels),
    )


def _with_record(one: ResultInput, records: Path) -> ResultInput:
    """A bundle with what a record says of it; the record is looked for in that folder alone.

    Nothing that a bundle says, and nothing that lies beside it, stands in for a record.
    """
    from distbench.submission.rerun.record import read_record

    if one.origin.kind == "run":
        return one
    try:
        record = read_record(Path(one.origin.path), records)
    except RefusedError as error:
        one.notes.append(f"{error}; it counts for nothing")
        return one
    if record is None:
        return one
    about = {**one.origin.about, "computed again": record.told}
    whole = record.recomputed == record.rows
    again = dict(record.by_method)
    return one._replace(origin=replace(one.origin, about=about, again=again, recomputed=whole))


def origins_of(inputs: Iterable[ResultInput], keys: Collection[str]) -> Iterator[RowOrigin]:
    """Where inputs come from, and which of their planned cells have no row anywhere.

    Args:
        inputs: All that were read.
        keys: Those of all rows.
    """
    for one in inputs:
        yield replace(one.origin, missing=missing_cells(one.planned, keys))


def notes_of(
    inputs: Sequence[ResultInput],
    origins: Sequence[RowOrigin],
    evidence: str = "accuracies were not held against labels, which `distbench validate` does",
) -> tuple[str, ...]:
    """How far what was read can be trusted and how complete it is, one line each.

    Args:
        inputs: All that were read.
        origins: The same, with what is missing of them.
        evidence: What the rows of bundles rest on.
    """
    notes = []
    for one, origin in zip(inputs, origins, strict=True):
        missing = [origin.missing] if origin.missing else []
        notes += [f"{origin.path}: {note}" for note in (*one.notes, *missing)]
    if bundles := sum(origin.kind == "bundle" for origin in origins):
        notes.append(
            f"{bundles} {'bundle is' if bundles == 1 else 'bundles are'} whole and consistent; "
            f"{evidence}"
        )
    return tuple(notes)


def _evidence_text(rows: Iterable[RowRecord]) -> str:
    """What the finished rows of bundles rest on, counted."""
    counts = Counter(row.evidence for row in rows if row.result is not None)
    parts = [f"{counts[level]} {level}" for level in EVIDENCE if level != "run" and counts[level]]
    return f"finished rows: {', '.join(parts) or 'none'}"


def _nothing(path: Path) -> str:
    if not path.exists():
        return "there is no such file or folder"
    if (path / "plan.json").is_file():
        return NO_ROWS
    if path.is_dir():
        return "holds no run (rows.jsonl) and no bundle (*.distbench.zip)"
    return "is neither a run's folder, nor its rows (rows.jsonl), nor a bundle (*.distbench.zip)"


def _places(path: Path) -> Iterator[Path]:
    """The run folders and bundles at or below a path, by name; links are not followed."""
    if path.is_file():
        if path.name.endswith((BUNDLE, ROWS)):
            yield path
        return
    for folder, subfolders, files in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        unfinished = "plan.json" in files and not subfolders and Path(folder) != path
        if "rows.jsonl" in files or unfinished or "rows.jsonl" in subfolders:
            yield Path(folder)  # one without readable rows is left out by name
            subfolders.clear()
            continue
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(BUNDLE))
