"""Results from anywhere: run folders and submitted bundles, read one row at a time."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pydantic_core import from_json

from distbench.errors import DistbenchError, RefusedError
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.records import Reader, RowRecord
from distbench.storage.paths import without_links
from distbench.storage.row_lines import OF_ANOTHER_RUN, UNSEALED, SealedCount, read_line
from distbench.storage.rows import Row

BUNDLE = ".distbench.zip"
"""How the name of a bundle ends."""


def default_inputs() -> list[Path]:
    """``runs`` and ``registry/results``, where they exist."""
    return [path for path in (Path("runs"), Path("registry/results")) if path.is_dir()]


def collect(paths: Sequence[Path]) -> Collected:
    """Reads run folders and bundles, and those in other folders at any depth.

    What cannot be read, was altered, or claims what cannot be, is refused as a whole, with one line
    that says why; the others are kept. Whether bundles give the right answers is not looked at.
    """
    origins: list[RowOrigin] = []
    records: list[RowRecord] = []
    refused: list[str] = []
    notes: list[str] = []
    reader = Reader()
    seen: set[Path] = set()
    for path in paths:
        inputs = list(_inputs(path))
        if not inputs:
            refused.append(f"{path}: {_nothing(path)}")
        for one in inputs:
            if without_links(one) in seen:
                continue
            seen.add(without_links(one))
            try:
                seals = SealedCount()
                origin, rows = _run(one, seals) if one.is_dir() else _bundle(one)
                with without_cycles():
                    some = [reader.record(_checked(row), len(origins)) for row in rows]
            except DistbenchError as error:
                refused.append(f"{one}: {error}")
            except OSError as error:
                refused.append(f"{one}: cannot be read: {error.strerror or error}")
            else:
                origins.append(origin)
                records += some
                if seals.unsealed:
                    notes.append(f"{one}: {UNSEALED}")
    bundles = sum(origin.kind == "bundle" for origin in origins)
    if bundles:
        notes.append(
            f"{bundles} {'bundle is' if bundles == 1 else 'bundles are'} whole and consistent; "
            "accuracies were not held against labels, which `distbench validate` does"
        )
    return Collected(tuple(origins), tuple(records), tuple(refused), tuple(notes))


def _nothing(path: Path) -> str:
    if not path.exists():
        return "there is no such file or folder"
    if path.is_dir():
        return "holds no run (rows.jsonl) and no bundle (*.distbench.zip)"
    return "is neither a run's folder nor a bundle (*.distbench.zip)"


def _inputs(path: Path) -> Iterator[Path]:
    """The run folders and bundles at or below a path, by name; links are not followed."""
    if path.is_file():
        if path.name.endswith(BUNDLE):
            yield path
        return
    for folder, subfolders, files in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        if "rows.jsonl" in files:
            yield Path(folder)
            subfolders.clear()
            continue
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(BUNDLE))


def _run(folder: Path, seals: SealedCount) -> tuple[RowOrigin, Iterator[Row]]:
    """A run's folder; of its plan only tasks and seeds are read, which all versions have."""
    try:
        plan = from_json((folder / "plan.json").read_bytes())
        tasks = tuple(str(task["id"]) for task in plan["tasks"])
        seeds = tuple(int(seed) for seed in plan["seeds"])
        keys = {str(cell["key"]) for cell in plan.get("cells", ())}
    except OSError as error:
        raise RefusedError(f"no plan.json can be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RefusedError("plan.json is not the plan of a run; run it again") from None
    origin = RowOrigin(str(folder), "run", tasks=tasks, seeds=seeds)
    return origin, _lines(folder / "rows.jsonl", seals, keys)


def _lines(path: Path, seals: SealedCount, keys: Collection[str]) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = seals.add(read_line(line)).row
            except ValueError as error:
                raise RefusedError(
                    f"line {number} of rows.jsonl is no row: {_why(error)}; run it again"
                ) from None
            if keys and row.key not in keys:
                raise RefusedError(f"line {number} of rows.jsonl {OF_ANOTHER_RUN}; run it again")
            yield row


def _why(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error).partition("\n")[0]
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}{': ' * bool(where)}{first['msg']}"


def _bundle(path: Path) -> tuple[RowOrigin, Iterator[Row]]:
    """A bundle; that it is whole and consistent is checked as it is read."""
    from distbench.submission.bundle import open_bundle
    from distbench.submission.validate import consistent_rows
    from distbench.submission.validation_report import ValidationReport

    with open_bundle(path) as bundle:
        manifest = bundle.manifest
    about = {
        "licence": manifest.licence,
        "distbench": manifest.distbench,
        "note": manifest.note,
        "incomplete": manifest.incomplete,
    }
    origin = RowOrigin(
        str(path),
        "bundle",
        manifest.submitter,
        tuple(task.id for task in manifest.tasks),
        manifest.seeds,
        {key: text for key, text in about.items() if text},
    )

    def rows() -> Iterator[Row]:
        with open_bundle(path) as bundle:
            report = ValidationReport(path.name)
            yield from consistent_rows(bundle, report)
        if report.reasons:
            first, *others = report.reasons
            more = f" (and {len(others)} more, see `distbench validate`)" if others else ""
            raise RefusedError(f"{first}{more}")

    return origin, rows()


def _checked(row: Row) -> Row:
    """Refuses what is no share of images, as a run's folder may have been edited by hand."""
    result = row.result
    if row.status == "done" and result is None:
        raise RefusedError(f"{row.method.id} on {row.task.id} is done but has no result")
    if result is not None:
        for what in ("accuracy", "balanced_accuracy"):
            value = getattr(result, what)
            if not 0 <= value <= 1:
                raise RefusedError(
                    f"{what} {value} of {row.method.id} on {row.task.id} is not between 0 and 1"
                )
    return row
