"""Records of cells that were computed again: kept by who did that, never by who submits.

A bundle cannot speak for itself, and neither can a file that lies beside it: a record is read from
the folder that a reader of the leaderboard names, and it holds for the one file whose SHA-256 it
has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from distbench.errors import RefusedError
from distbench.storage.atomic import write_atomic
from distbench.storage.hashing import file_digest
from distbench.storage.validation import faults_of
from distbench.submission.bundle import SUFFIX
from distbench.submission.validation_report import ValidationReport, shown

_EQUAL = ("bit-equal", "compared")
_FIELDS = ("method", "task", "seed", "outcome", "difference")


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CellAgain(_Block):
    """A cell that was computed again, and how its result compares with the submitted one."""

    method: str
    task: str
    seed: int
    outcome: Literal["bit-equal", "compared"]
    difference: float = Field(0.0, ge=0, le=1, description="between the accuracies")


class RerunRecord(_Block):
    """``NAME.json``: what was found when cells of one bundle were computed again."""

    schema_version: Literal[1] = 1
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the bundle's file")
    date: date
    distbench: str
    tolerance: float = Field(ge=0, le=1, description="allowed between accuracies of two machines")
    choice: int = Field(description="seed of the draw of cells")
    machine: dict[str, str | int | float | bool | None]
    rows: int = Field(ge=1, description="finished rows of the bundle")
    recomputed: int = Field(ge=0, description="of them, accuracies that follow from predictions")
    cells: tuple[CellAgain, ...] = Field(min_length=1)

    @property
    def by_method(self) -> Mapping[str, int]:
        """How many cells of each method were computed again."""
        return Counter(cell.method for cell in self.cells)

    @property
    def told(self) -> str:
        """All of it in one line."""
        apart = max(cell.difference for cell in self.cells)
        equal = all(cell.outcome == "bit-equal" for cell in self.cells)
        near = f"accuracies at most {apart:.4f} apart" if apart else "equal accuracies"
        how = "equal in every bit" if equal else near
        return (
            f"{len(self.cells)} of {self.rows} cells, {how}; {self.date.isoformat()}, "
            f"distbench {self.distbench}"
        )


def keep_record(path: Path, report: ValidationReport, folder: Path) -> Path:
    """Writes the record of a validation that computed cells again; an older one gives way.

    Args:
        path: The bundle.
        report: What `validate` gave of it.
        folder: Made where it is missing.

    Returns:
        The file.

    Raises:
        RefusedError: The bundle was refused, or no cell of it could be computed again.
        OSError: The folder cannot be written to.
    """
    from distbench import __version__

    if report.reasons:
        raise RefusedError(f"{path} was refused, so no record of it is kept")
    again = [one for one in report.facts["rerun"] if one["outcome"] in _EQUAL]
    if not again:
        raise RefusedError(
            f"no cell of {path} could be computed again, so no record of it is kept; the notes of "
            "`distbench validate --rerun` say why"
        )
    record = RerunRecord(
        sha256=file_digest(path),
        date=datetime.now(UTC).date(),
        distbench=__version__,
        tolerance=report.facts["rerun_tolerance"],
        choice=report.facts["rerun_choice"],
        machine=report.facts["rerun_machine"],
        rows=report.facts["cells"]["done"],
        recomputed=report.facts["recomputed"],
        cells=tuple(CellAgain(**{k: one[k] for k in _FIELDS if k in one}) for one in again),
    )
    file = record_file(path, folder)
    write_atomic(file, record.model_dump_json(indent=1) + "\n")
    return file


def read_record(path: Path, folder: Path) -> RerunRecord | None:
    """The record that a folder holds of a bundle; None if it holds none.

    Raises:
        RefusedError: It is no record, or one of another file than this.
    """
    file = record_file(path, folder)
    try:
        record = RerunRecord.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise RefusedError(f"{file} is no record: {shown(_fault(error), 300)}") from None
    if record.sha256 != file_digest(path):
        raise RefusedError(f"{file} is of another file than {path} (SHA-256)")
    return record


def record_file(path: Path, folder: Path) -> Path:
    """Where the record of a bundle lies."""
    return folder / f"{path.name.removesuffix(SUFFIX)}.json"


def _fault(error: ValidationError) -> str:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_input=False)[0])
    return str(first["msg"]) if first["type"] == "json_invalid" else faults_of(error, RerunRecord)
