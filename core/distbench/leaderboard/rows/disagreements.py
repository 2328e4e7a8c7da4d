"""Results of several files that say different things of one method."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from distbench.errors import UsageError
from distbench.leaderboard.rows.origins import RowOrigin
from distbench.leaderboard.rows.records import DeclaredMethod, RowRecord


def told_apart(rows: Sequence[RowRecord], origins: Sequence[RowOrigin]) -> list[RowRecord]:
    """Submissions that disagree on a method are told apart by their submitters' names.

    What the first file says of a method stands under its name, and so does what others say that
    agree with it. Other results of the same method, as another machine gives them, are listed
    again under the submitter's name; so is another method of the same name.

    Raises:
        UsageError: Two runs disagree; names both folders.
    """
    by_method: dict[str, dict[int, list[RowRecord]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_method[row.method.id][row.origin].append(row)
    renamed: dict[tuple[int, str], DeclaredMethod] = {}
    for method, files in by_method.items():
        if len(files) < 2 or _clash(files) is None:
            continue
        _refuse_runs({n: mine for n, mine in files.items() if origins[n].kind == "run"}, origins)
        standing, *others = _variants(files)
        people = Counter(origins[variant[0]].submitter for variant in others)
        for variant in others:
            first = origins[variant[0]]
            place = f" ({first.path})" if people[first.submitter] > 1 else ""
            name = f"{method} @ {first.submitter or 'unknown'}{place}"
            for n in variant:
                own = files[n][0].method
                same = own.components == files[standing[0]][0].method.components
                renamed[n, method] = replace(own, id=name, written=method, again=same)

    def apart(row: RowRecord) -> RowRecord:
        method = renamed.get((row.origin, row.method.id))
        return row if method is None else row._replace(method=method)

    return [apart(row) for row in rows] if renamed else list(rows)


def _variants(files: Mapping[int, Sequence[RowRecord]]) -> list[list[int]]:
    """Files that agree with each other, each group led by the first that says what it says."""
    variants: list[list[int]] = []
    for n in sorted(files):
        for variant in variants:
            if _clash({m: files[m] for m in (*variant, n)}) is None:
                variant.append(n)
                break
        else:
            variants.append([n])
    return variants


def _refuse_runs(runs: Mapping[int, Sequence[RowRecord]], origins: Sequence[RowOrigin]) -> None:
    if (between := _clash(runs)) is not None:
        first, second, what = between
        raise UsageError(
            f"{what} in {origins[first].path} and {origins[second].path}. Leave one of them out."
        )


def _clash(files: Mapping[int, Sequence[RowRecord]]) -> tuple[int, int, str] | None:
    """Two files that say different things of one method, and what."""
    cells: dict[tuple[str, int], RowRecord] = {}
    first: RowRecord | None = None
    for rows in files.values():
        for row in rows:
            first = first or row
            if row.method is not first.method and row.method != first.method:
                what = f"two different methods are called {row.method.id}"
                return first.origin, row.origin, f"{what}: {_difference(first.method, row.method)}"
            if row.result is None:
                continue
            known = cells.setdefault((row.task.id, row.seed), row)
            if known.result and not row.result.same(known.result) and row.origin != known.origin:
                what = (
                    f"two different results for {row.method.id} on {row.task.id} with seed "
                    f"{row.seed}"
                )
                return known.origin, row.origin, what
    return None


def _difference(a: DeclaredMethod, b: DeclaredMethod) -> str:
    if a.role != b.role:
        return f"its role is {a.role} and {b.role}"
    for kind in sorted({*a.components, *b.components}):
        one, two = _flat(a.components.get(kind, {})), _flat(b.components.get(kind, {}))
        for key in sorted({*one, *two}):
            if one.get(key, "absent") != two.get(key, "absent"):
                values = f"{one.get(key, 'absent')} and {two.get(key, 'absent')}"
                return f"{key} of its {kind} is {values}"
    return "they differ"


def _flat(component: Mapping[str, Any]) -> dict[str, str]:
    rest = {key: shown(value) for key, value in component.items() if key != "params"}
    params = component.get("params")
    if isinstance(params, Mapping):
        rest.update({key: shown(value) for key, value in params.items()})
    return rest


def shown(value: Any) -> str:
    """A value as text; what is text already as it is."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
