"""Which planned cells have rows, and how they ended, in numbers and in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

from distbench.storage.hashing import canonical_json, digest
from distbench.storage.rows import Row, Status
from distbench.submission import limits
from distbench.submission.manifest import Coverage, Machine, PublicPlan, TaskFacts

CellId = tuple[str, str, int]
"""Method, task and seed."""

_SAME = ("suite", "suite_version", "protocol", "student", "zoo")
"""What a manifest has as the plan has it."""


class Tally:
    """Counts rows as they pass, and says of a plan's cells how they ended.

    Attributes:
        status: How each cell with a row ended.
    """

    def __init__(self) -> None:
        self.status: dict[CellId, str] = {}
        self._versions: dict[str, set[str]] = {}
        self._machines: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Counts a row."""
        self.status[row.method.id, row.task.id, row.seed] = row.status
        for distribution, version in row.plugins.items():
            self._versions.setdefault(distribution, set()).add(version or "unknown")
        if row.environment:
            self._machines[canonical_json(row.environment)] += 1

    def described(self, plan: PublicPlan) -> dict[str, Any]:
        """The fields of a manifest that follow from a plan and its rows."""
        planned, counts = plan.cells(), Counter(self.status.values())
        weights = {source.name: source.fingerprint for source in plan.everyone().values()}
        if isinstance(of_student := plan.student.get("weights"), str):
            weights[f"student {plan.student.get('name', '')}"] = of_student
        return {
            "incomplete": self.incomplete(planned),
            **{name: getattr(plan, name) for name in _SAME},
            "plan_digest": digest([plan.suite, sorted(planned.values())]),
            "seeds": plan.seeds,
            "tasks": tuple(
                TaskFacts(**t.model_dump(exclude={"seen_by", "notes"})) for t in plan.tasks
            ),
            "weights": weights,
            "plugins": {name: tuple(sorted(v)) for name, v in sorted(self._versions.items())},
            "machines": tuple(
                Machine(rows=count, environment=json.loads(text))
                for text, count in sorted(self._machines.items())
            ),
            "counts": Coverage(
                planned=len(planned),
                missing=len(planned) - len(self.status),
                **{status: counts[status] for status in get_args(Status)},
            ),
        }

    def incomplete(self, planned: Mapping[CellId, str]) -> str | None:
        """What is missing or failed, in words that follow from plan and rows; None if nothing."""
        parts = []
        for status, words in (("missing", "are missing"), ("failed", "failed")):
            cells = [cell for cell in planned if self.status.get(cell, "missing") == status]
            if cells:
                parts.append(f"{len(cells)} of {len(planned)} cells {words}: {_cells_text(cells)}")
        text = "; ".join(parts)
        return (text[: limits.TEXT - 3] + "..." if len(text) > limits.TEXT else text) or None


def _cells_text(cells: list[CellId]) -> str:
    seeds: dict[tuple[str, str], list[int]] = {}
    for method, task, seed in cells:
        seeds.setdefault((method, task), []).append(seed)
    return ", ".join(
        f"{method} on {task} ({'seed' if len(some) == 1 else 'seeds'} {', '.join(map(str, some))})"
        for (method, task), some in seeds.items()
    )
