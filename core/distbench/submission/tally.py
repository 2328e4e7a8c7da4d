"""What a manifest says of rows and plan, computed from them; written and checked by the same."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from distbench.identity import canonical_json, digest
from distbench.results import Row
from distbench.submission.coverage import Place, coverage, incomplete
from distbench.submission.manifest import Machine, PublicPlan, TaskFacts


class Tally:
    """Counts rows as they pass.

    Attributes:
        status: How each cell with a row ended.
    """

    def __init__(self) -> None:
        self.status: dict[Place, str] = {}
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
        planned = plan.cells()
        weights = {source.name: source.fingerprint for source in plan.everyone().values()}
        if isinstance(of_student := plan.student.get("weights"), str):
            weights[f"student {plan.student.get('name', '')}"] = of_student
        return {
            "incomplete": incomplete(planned, self.status),
            "suite": plan.suite,
            "suite_version": plan.suite_version,
            "protocol": plan.protocol,
            "student": plan.student,
            "zoo": plan.zoo,
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
            "counts": coverage(planned, self.status),
        }


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON; rows and plans write infinity differently."""
    if one == other:
        return True
    try:
        texts = [canonical_json(v).replace('"Infinity"', '"inf"') for v in (one, other)]
    except (ValueError, TypeError):
        return False
    return texts[0].replace('"-Infinity"', '"-inf"') == texts[1].replace('"-Infinity"', '"-inf"')
