"""A log of a run: one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr
from pydantic_core import from_json

from distbench import Cell, Reporter, Row, RunFacts, UsageError, primary

from ._cell_record import cell_id, clean, reason


class Jsonl(Reporter):
    """A file with one JSON object for each event, for scripts and `tail -f`.

    Every line is written whole, in one piece and at the end of the file, and is on the disk before
    the run goes on; several runs may write to one file. A resumed run goes on in it: of the cells
    that had been finished before it adds those that the file does not have. JSON Lines,
    https://jsonlines.org.
    """

    examples = ("jsonl:path=events.jsonl",)

    path: Path = primary(description="file; it is made or continued")

    _run: str = PrivateAttr("")
    _known: set[str] = PrivateAttr(default_factory=set)

    def check(self) -> None:  # noqa: D102
        if self.path.is_dir():
            raise UsageError(f"reporter jsonl: {self.path} is a folder; name a file")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab"):
                pass
        except OSError as error:
            raise UsageError(
                f"reporter jsonl cannot write {self.path}: {error.strerror or error}"
            ) from None

    def started(self, run: RunFacts) -> None:  # noqa: D102
        self._run = run.name
        self._known = _finished(self.path)
        facts = ("suite", "suite_version", "protocol", "tasks", "methods", "seeds", "zoo")
        about = {key: getattr(run, key) for key in facts}
        self._write("run_started", **about, cells=run.cells, missing=run.missing)

    def cell_cached(self, row: Row) -> None:  # noqa: D102
        if row.key not in self._known:
            self._write("cell_cached", **_facts_of(row))

    def cell_started(self, cell: Cell) -> None:  # noqa: D102
        facts = {"task": cell.task, "method": cell.method, "seed": cell.seed}
        self._write("cell_started", cell=cell.id, key=cell.key, **facts)

    def cell_finished(self, row: Row) -> None:  # noqa: D102
        self._write("cell_finished", **_facts_of(row))

    def cell_failed(self, row: Row) -> None:  # noqa: D102
        self._write("cell_failed", **_facts_of(row))

    def finished(self, folder: Path) -> None:  # noqa: D102
        self._write("run_finished", folder=clean(str(folder)))

    def stopped(self, reason: str) -> None:  # noqa: D102
        self._write("run_stopped", reason=clean(reason))

    def _write(self, event: str, **facts: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "event": event, "run": self._run, **facts}
        raw = json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            with contextlib.suppress(ImportError, OSError):  # not on every system or file system
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX)
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                raw = b"\n" + raw  # whoever wrote last was cut off
            written = os.write(handle, raw)
            if written != len(raw):
                raise OSError(f"only {written} of {len(raw)} bytes of a line could be written")
            os.fsync(handle)
        finally:
            os.close(handle)


def _facts_of(row: Row) -> dict[str, Any]:
    """What a line says of a cell that ended."""
    facts: dict[str, Any] = {
        "cell": cell_id(row),
        "key": row.key,
        "task": row.task.id,
        "method": row.method.id,
        "seed": row.seed,
        "status": row.status,
    }
    if row.status != "done":
        facts["reason"] = reason(row)
    if row.result is not None:
        facts |= {
            "accuracy": row.result.accuracy,
            "balanced_accuracy": row.result.balanced_accuracy,
            "validation_accuracy": row.result.validation_accuracy,
            "curve": [point.model_dump() for point in row.result.curve],
            "weights": row.result.sources.weights,
        }
    if row.cost is not None:
        facts["cost"] = row.cost.model_dump()
    return facts


def _finished(path: Path) -> set[str]:
    """Keys of the cells whose end a log has; lines that are cut or foreign are passed over."""
    keys = set()
    with path.open("rb") as file:
        for raw in file:
            try:
                line = from_json(raw)
            except ValueError:
                continue
            if isinstance(line, dict) and line.get("event") in ("cell_finished", "cell_cached"):
                keys.add(str(line.get("key")))
    return keys
