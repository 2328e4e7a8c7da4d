"""Run folders read again: what a run planned and the rows it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from distbench.errors import UsageError
from distbench.planning.plan import Plan
from distbench.storage.kept_predictions import KeptPredictions
from distbench.storage.missing_cells import missing_cells
from distbench.storage.predictions import Predictions, of_row
from distbench.storage.probabilities import Logs, of_run
from distbench.storage.row_lines import OF_ANOTHER_RUN, UNSEALED, RowLine, SealedCount, read_line
from distbench.storage.rows import Row


@dataclass(frozen=True)
class RunFolder:
    """A run as its folder holds it."""

    folder: Path
    plan: Plan
    rows: tuple[Row, ...]
    kept: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    """Predictions by key that rows of an old run hold in themselves."""
    sealed: bool = True
    """Whether the rows have seals; those of an older distbench have none."""
    unbacked: str | None = None
    """Of which rows the predictions are missing, in words."""

    def predictions(self, row: Row) -> Predictions | None:
        """The class given to each test image, int64 (m,); None where the cell is not done.

        Raises:
            UsageError: The folder does not hold them.
        """
        return of_row(self.folder, row, self.kept)

    def logs(self, row: Row) -> Logs | None:
        """The logarithms of the test probabilities, float16 (m, c); None where none are kept."""
        return of_run(self.folder, row)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it, one line each."""
        notes = (None if self.sealed else UNSEALED, self.unbacked)
        return tuple(f"{self.folder}: {note}" for note in notes if note)

    @property
    def missing(self) -> str | None:
        """Which planned cells have no row, in words; None if all have one."""
        planned = {(cell.method, cell.task, cell.seed): cell.key for cell in self.plan.cells}
        return missing_cells(planned, {row.key for row in self.rows})


def open_run(run: Path | None, runs: Path = Path("runs")) -> RunFolder:
    """Reads a run.

    Args:
        run: Its folder, or its name under `runs`; the latest one if None.
        runs: Folder of run folders.

    Raises:
        UsageError: There is no such run, it has no rows yet, or they are damaged or altered.
    """
    if run is None:
        files = sorted(runs.glob("*/rows.jsonl"), key=lambda p: p.stat().st_mtime)
        if not files:
            raise UsageError(f"no run lies in {str(runs)!r}; `distbench run` makes one")
        run = files[-1].parent
    folder = run if run.is_dir() else runs / run
    try:
        plan = Plan.from_json((folder / "plan.json").read_bytes())
        predictions = KeptPredictions(folder)
        text = (folder / "rows.jsonl").read_bytes()
        lines = _read_lines(text, {cell.key for cell in plan.cells}, predictions)
    except OSError as error:
        raise UsageError(f"{str(run)!r} is no folder of a run: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"{folder} holds no readable plan and rows: {first}; run it again"
        ) from None
    kept = {line.row.key: line.predictions for line in lines if line.predictions is not None}
    sealed = all(line.sealed for line in lines)
    rows = tuple(line.row for line in lines)
    return RunFolder(folder, plan, rows, kept, sealed, predictions.note)


def _read_lines(text: bytes, keys: Collection[str], predictions: KeptPredictions) -> list[RowLine]:
    """The rows of a run.

    Raises:
        NewerSchemaError: A newer distbench wrote them.
        ValueError: One is no row, or was altered, or is of no cell of the plan, or is not what its
            predictions give; says which line.
    """
    seals, read = SealedCount(), []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            read.append(seals.add(read_line(line)))
            predictions.check(read[-1].row, read[-1].predictions)
        except ValueError as error:
            first = str(error).partition("\n")[0]
            raise ValueError(f"line {number} of rows.jsonl: {first}") from None
        if read[-1].row.key not in keys:
            raise ValueError(f"line {number} of rows.jsonl {OF_ANOTHER_RUN}")
    return read


def merge_runs(
    slices: Sequence[RunFolder], folder: Path
) -> tuple[Plan, tuple[Row, ...], Callable[[Row], RunFolder]]:
    """Rows of several slices of one plan, in the order of the plan, and the slice of each.

    Of two rows for a cell the one that is done is taken.

    Raises:
        UsageError: The slices do not belong to one plan.
    """
    first = slices[0].plan
    for other in slices[1:]:
        if other.plan.digest != first.digest:
            raise UsageError(
                f"{other.folder} and {slices[0].folder} are slices of different plans; "
                "run all slices with the same options and version"
            )
    by_key: dict[str, tuple[Row, RunFolder]] = {}
    for part in slices:
        for row in part.rows:
            held = by_key.get(row.key)
            if held is None or held[0].status != "done":
                by_key[row.key] = (row, part)
    rows = tuple(by_key[cell.key][0] for cell in first.cells if cell.key in by_key)
    first.save(folder / "plan.json")
    return first, rows, lambda row: by_key[row.key][1]
