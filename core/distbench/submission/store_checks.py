"""Rows of a run's folder held against those in the store, where the same cells lie sealed."""

from __future__ import annotations

from distbench.engine.records.run_folder import RunFolder
from distbench.errors import RefusedError, UsageError
from distbench.storage.home import home
from distbench.storage.row_store import RowStore
from distbench.storage.rows import Row


def check_against_store(run: RunFolder) -> None:
    """Refuses a run whose done rows are not those that were computed.

    A cell that was computed on another machine may be in the store with other numbers. A row
    without a seal has to be there.

    Raises:
        RefusedError: A row is not the stored one, or has no seal and is not stored; says which.
    """
    store = RowStore(home() / "cells")
    for row in run.rows:
        if row.status != "done":
            continue
        where = f"{row.method.id} on {row.task.id}, seed {row.seed}"
        try:
            stored = store.get(row.key)
        except (OSError, UsageError):
            stored = None
        if stored is None or stored.status != "done":
            if not run.sealed:
                raise RefusedError(
                    f"{run.folder}: {where} has no seal, as an older distbench wrote it, and is "
                    "not in the store either; run it again"
                )
        elif _differs(row, stored) and (not run.sealed or row.environment == stored.environment):
            raise RefusedError(
                f"{run.folder}: {where} is not what was computed and stored here; run it again"
            )


def _differs(row: Row, stored: Row) -> bool:
    """As text, since what is no number equals nothing."""
    parts = {"result", "cost"}
    return row.model_dump_json(include=parts) != stored.model_dump_json(include=parts)
