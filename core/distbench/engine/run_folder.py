"""Run folders read again: what a run planned and the rows it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from distbench.errors import UsageError
from distbench.planning.plan import Plan
from distbench.storage.predictions import Predictions, of_row
from distbench.storage.row_schemas import read_row
from distbench.storage.rows import Row


@dataclass(frozen=True)
class RunFolder:
    """A run as its folder holds it."""

    folder: Path
    plan: Plan
    rows: tuple[Row, ...]
    kept: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    """Predictions by key that rows of an old run hold in themselves."""

    def predictions(self, row: Row) -> Predictions | None:
        """The class given to each test image, int64 (m,); None where the cell is not done.

        Raises:
            UsageError: The folder does not hold them.
        """
        return of_row(self.folder, row, self.kept)


def open_run(run: Path | None, runs: Path = Path("runs")) -> RunFolder:
    """Reads a run.

    Args:
        run: Its folder, or its name under `runs`; the latest one if None.
        runs: Folder of run folders.

    Raises:
        UsageError: There is no such run, or it has no rows yet.
    """
    if run is None:
        files = sorted(runs.glob("*/rows.jsonl"), key=lambda p: p.stat().st_mtime)
        if not files:
            raise UsageError(f"no run lies in {str(runs)!r}; `distbench run` makes one")
        run = files[-1].parent
    folder = run if run.is_dir() else runs / run
    try:
        plan = Plan.from_json((folder / "plan.json").read_bytes())
        lines = (folder / "rows.jsonl").read_bytes().splitlines()
        read = [read_row(line) for line in lines]
    except OSError as error:
        raise UsageError(f"{str(run)!r} is no folder of a run: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(f"{folder} holds no readable plan and rows: {first}") from None
    kept = {row.key: inside for row, inside in read if inside is not None}
    return RunFolder(folder, plan, tuple(row for row, _ in read), kept)


def merge_runs(
    slices: Sequence[RunFolder], folder: Path
) -> tuple[Plan, tuple[Row, ...], Callable[[Row], Predictions | None]]:
    """Rows of several slices of one plan, in the order of the plan, and what gives predictions.

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
    return first, rows, lambda row: by_key[row.key][1].predictions(row)
