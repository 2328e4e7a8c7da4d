"""One input of a leaderboard: a run's folder or a bundle, with what its cells answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from distbench.errors import RefusedError
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.plugins.registry import Registry, registry
from distbench.storage.hits import read_test_labels
from distbench.storage.kept_predictions import KeptPredictions
from distbench.storage.missing_cells import PlannedCell
from distbench.storage.probabilities import Logs, of_run
from distbench.storage.row_lines import OF_ANOTHER_RUN, UNSEALED, SealedCount, read_line
from distbench.storage.rows import Row

if TYPE_CHECKING:
    from distbench.submission.manifest import PlanTask
    from distbench.submission.task_labels import TaskLabels

ROWS = "rows.jsonl"
"""Of a run's folder: its rows."""

NO_ROWS = (
    "it has no rows yet: the run goes on, or was interrupted and goes on when the same "
    "`distbench run` is given again"
)


class Answers(NamedTuple):
    """A row, what its student answered on the test images, and what would have been right.

    `logs` are the logarithms of the probabilities, read when they are asked for.
    """

    row: Row
    predictions: NDArray[Any] | None
    labels: NDArray[np.int64] | None
    logs: Callable[[Row], Logs | None]


class ResultInput(NamedTuple):
    """A run's folder or a bundle: its rows, read as they are asked for, and what it planned.

    Attributes:
        origin: What it says of itself.
        planned: Key of each planned cell.
        rows: Its rows, each with its answers on test images as far as they are known.
        measures: Task to what it is compared by, where that is not accuracy.
        notes: What is to be said of it; complete when all rows have passed.
    """

    origin: RowOrigin
    planned: Mapping[PlannedCell, str]
    rows: Iterator[Answers]
    notes: list[str]
    measures: Mapping[str, str]


def open_input(place: Path, names: Registry | None = None) -> ResultInput:
    """A run's folder, its file of rows, or a bundle.

    Args:
        place: Where it lies.
        names: The components by which the labels of a bundle's tasks are found.

    Raises:
        RefusedError: It cannot be read as what it seems to be.
    """
    if place.is_dir():
        return run_input(place)
    if not place.name.endswith(ROWS):
        return bundle_input(place, names or registry())
    folder = place.parent
    return run_input(folder) if (folder / "plan.json").is_file() else rows_input(place)


def rows_input(file: Path) -> ResultInput:
    """The rows of a run without its plan: what is missing of it is not known."""
    notes = ["no plan.json lies beside it, so what is missing cannot be told"]
    rows = _lines(file, frozenset(), notes)
    return ResultInput(RowOrigin(str(file), "run"), {}, rows, notes, {})


def run_input(folder: Path) -> ResultInput:
    """A run's folder; of its plan only tasks, seeds and cells are read, as all versions have them.

    A plan that names no cells is read too; nothing is known then of what is missing.
    """
    try:
        plan = from_json((folder / "plan.json").read_bytes())
        tasks = tuple(str(task["id"]) for task in plan["tasks"])
        seeds = tuple(int(seed) for seed in plan["seeds"])
        groups = {str(task["id"]): str(task.get("group") or "") for task in plan["tasks"]}
        measures = {str(task["id"]): str(task.get("measure") or "") for task in plan["tasks"]}
        suite = str(plan.get("suite")), plan.get("suite_version")
        planned = {
            (str(cell["method"]), str(cell["task"]), int(cell["seed"])): str(cell["key"])
            for cell in plan.get("cells", ())
        }
    except OSError as error:
        raise RefusedError(f"no plan.json can be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RefusedError("plan.json is not the plan of a run; run it again") from None
    if not (folder / ROWS).exists():
        raise RefusedError(NO_ROWS)
    origin = RowOrigin(str(folder), "run", tasks=tasks, seeds=seeds, groups=_groups(*suite, groups))
    notes: list[str] = []
    rows = _lines(folder / ROWS, frozenset(planned.values()), notes)
    return ResultInput(origin, planned, rows, notes, measures)


def _lines(file: Path, keys: frozenset[str], notes: list[str]) -> Iterator[Answers]:
    """The rows of a run's folder, held against their seals, its plan and its predictions."""
    folder = file.parent
    seals, kept, labels = SealedCount(), KeptPredictions(folder), read_test_labels(folder)
    with file.open("rb") as lines:
        for number, text in enumerate(lines, start=1):
            try:
                line = seals.add(read_line(text))
            except ValueError as error:
                raise RefusedError(
                    f"line {number} of rows.jsonl is no row: {_why(error)}; run it again"
                ) from None
            if keys and line.row.key not in keys:
                raise RefusedError(f"line {number} of rows.jsonl {OF_ANOTHER_RUN}; run it again")
            try:
                predictions = kept.check(_checked(line.row), line.predictions)
            except ValueError as error:
                raise RefusedError(f"line {number} of rows.jsonl: {error}; run it again") from None
            known = labels.get(line.row.task.id)
            yield Answers(line.row, predictions, known, lambda row: of_run(folder, row))
    notes += [note for note in (UNSEALED * bool(seals.unsealed), kept.note) if note]


def _why(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error).partition("\n")[0]
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}{': ' * bool(where)}{first['msg']}"


def bundle_input(path: Path, names: Registry) -> ResultInput:
    """A bundle; that it is whole and consistent is checked as it is read."""
    from distbench.submission.bundle import open_bundle
    from distbench.submission.suite_checks import find_suite
    from distbench.submission.task_labels import TaskLabels
    from distbench.submission.validate import consistent_rows
    from distbench.submission.validation_report import ValidationReport

    with open_bundle(path) as bundle:
        manifest, plan, planned = bundle.manifest, bundle.plan, bundle.plan.cells()
    about = {
        "date": manifest.date,
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
        _groups(plan.suite, plan.suite_version, {task.id: task.group for task in plan.tasks}),
        {key: text for key, text in about.items() if text},
    )

    def rows() -> Iterator[Answers]:
        with open_bundle(path) as bundle:
            report = ValidationReport(path.name)
            labels = TaskLabels(names, find_suite(plan, names))
            tasks = {task.id: task for task in plan.tasks}
            for row in consistent_rows(bundle, report):
                known = _labels(row, tasks.get(row.task.id), labels)
                given = None if row.result is None else bundle.predictions(row.key)
                yield Answers(_checked(row), given, known, bundle.logs)
        if report.reasons:
            first, *others = report.reasons
            more = f" (and {len(others)} more, see `distbench validate`)" if others else ""
            raise RefusedError(f"{first}{more}")

    return ResultInput(origin, planned, rows(), [], {task.id: task.measure for task in plan.tasks})


def _labels(row: Row, task: PlanTask | None, labels: TaskLabels) -> NDArray[np.int64] | None:
    """The test labels of a row of a bundle, where they are at hand."""
    if row.result is None or task is None:
        return None
    known = labels.test_labels(task, row.result.parts.skipped)
    return None if isinstance(known, str) else known


def _groups(suite: str, version: object, told: Mapping[str, str]) -> dict[str, str]:
    """The group of each task: as its plan says, or the installed suite for one that says none."""
    installed: dict[str, str] = {}
    if not all(told.values()) and suite in registry().names("suite"):
        definition = registry().make("suite", suite).definition()
        if definition.version == version:
            installed = {entry.id: entry.group or entry.id for entry in definition.tasks}
    return {task: group or installed.get(task, task) for task, group in told.items()}


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
