"""What the page shows, as compact as it can be: columns instead of records, numbers rounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from distbench.leaderboard.analysis.board import Board, Line
from distbench.leaderboard.analysis.costs import machine_of
from distbench.leaderboard.analysis.metric_quality import MEASURED, metric_of, oracle
from distbench.leaderboard.analysis.pareto import points
from distbench.leaderboard.analysis.reports import Report
from distbench.leaderboard.page.detail import curves, digits, weights
from distbench.leaderboard.rows.origins import Collected
from distbench.leaderboard.rows.records import Method, Record
from distbench.leaderboard.statistics import Estimate, mean_interval
from distbench.leaderboard.text_table import short_names

_SCALE = 100_000
"""Shares are whole numbers of 1e-5; the page shows percent with one decimal."""


def page_data(found: Collected, reports: Sequence[Report]) -> dict[str, Any]:
    """Everything that the page shows, as values that JSON can hold."""
    return {
        "measure": reports[0].board.measure.replace("_", " "),
        "origins": [
            {
                "path": origin.path,
                "kind": origin.kind,
                "submitter": origin.submitter,
                "about": list(origin.about.items()),
            }
            for origin in found.origins
        ],
        "refused": list(found.refused),
        "boards": [_board(report) for report in reports],
    }


def _share(value: float | None) -> int | None:
    """A share as a whole number that rounds to the same percent as in the other formats."""
    if value is None:
        return None
    whole = round(value * _SCALE)
    if abs(whole) % 100 == 50:  # halfway, and what a float makes of that differs by language
        whole += 1 if 1000 * round(100 * value, 1) > whole else -1
    return whole


def _board(report: Report) -> dict[str, Any]:
    board = report.board
    declared: dict[str, Method] = {row.method.id: row.method for row in report.rows}
    by_method: dict[str, list[Record]] = defaultdict(list)
    for row in report.rows:
        by_method[row.method.id].append(row)
    methods = [declared[line.method] for line in board.lines]
    sources = sorted({share.source for line in report.weights for share in line.shares})
    return {
        "label": report.label,
        "suite": f"{board.suite} v{board.suite_version}",
        "zoo": report.zoo,
        "setting": [
            *(["protocol", key, value] for key, value in report.setting.protocol.items()),
            *(["student", key, value] for key, value in report.setting.student.items()),
        ],
        "tasks": list(board.tasks),
        "short": short_names(board.tasks),
        "facts": _task_facts(report),
        "seeds": list(board.seeds),
        "baseline": board.baseline,
        "wanted": board.wanted_baseline,
        "leftOut": list(report.left_out),
        **_columns(board, methods, by_method),
        **_compute(report),
        "origins": [list(report.origins[line.method]) for line in board.lines],
        "plugins": _shelved([_plugins(by_method[line.method]) for line in board.lines]),
        "settings": [
            [[kind, *_component(table)] for kind, table in m.components.items()] for m in methods
        ],
        "missing": [_missing(line) for line in board.lines],
        "curves": curves(board, by_method),
        "sources": sources,
        **weights(report, sources),
        "metrics": _metrics(report),
    }


def _task_facts(report: Report) -> list[dict[str, Any]]:
    """For each task its size, and what single sources led to."""
    first: dict[str, Record] = {}
    for row in report.rows:
        if row.task.id not in first or (row.result and not first[row.task.id].result):
            first[row.task.id] = row
    held = {(row.method.id, row.task.id, row.seed): row for row in report.rows}
    single: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for by_cell in oracle(held, report.board.measure).values():
        for (task, _), reached in by_cell.items():
            for source, accuracy in reached.items():
                single[task][source].append(accuracy)
    facts = []
    for task in report.board.tasks:
        one = first.get(task)
        found = sorted(
            ((s, mean_interval(v)) for s, v in single[task].items()), key=lambda x: -x[1].mean
        )
        facts.append(
            {
                "use": one.task.use if one else task,
                "classes": one.task.classes if one else None,
                "fingerprint": one.task.fingerprint if one else None,
                "notes": list(one.task.notes) if one else [],
                "parts": list(one.result.parts) if one and one.result else None,
                "single": [[s, _share(e.mean), _share(e.half)] for s, e in found],
            }
        )
    return facts


def _columns(
    board: Board, methods: Sequence[Method], by_method: dict[str, list[Record]]
) -> dict[str, Any]:
    lines = board.lines
    rows = [by_method[line.method][0] for line in lines]

    def over(estimate: Estimate | None, what: str) -> int | None:
        return None if estimate is None else _share(getattr(estimate, what))

    def means(line: Line) -> list[int | None]:
        return [_share(sum(e.values) / len(e.values)) if e.values else None for e in line.entries]

    return {
        "name": [line.method for line in lines],
        "role": [line.role for line in lines],
        "rank": [list(line.rank) if line.rank else None for line in lines],
        "done": [line.coverage[0] for line in lines],
        "planned": lines[0].coverage[1],
        "mean": [over(line.mean, "mean") for line in lines],
        "half": [over(line.mean, "half") for line in lines],
        "delta": [over(line.delta, "mean") for line in lines],
        "deltaHalf": [over(line.delta, "half") for line in lines],
        "p": [digits(line.p_holm) for line in lines],
        "averageRank": [digits(line.average_rank) for line in lines],
        "wins": [digits(line.win_rate) for line in lines],
        "task": [means(line) for line in lines],
        "taskHalf": [[over(e.estimate, "half") for e in line.entries] for line in lines],
        "seedsOf": [[[_share(v) for v in e.values] for e in line.entries] for line in lines],
        "kind": [_name(m, "distiller") or _name(m, "baseline") for m in methods],
        "baselineKind": ["baseline" in m.components for m in methods],
        "strategy": [_name(m, "strategy") for m in methods],
        "metric": [metric_of(row) for row in rows],
        "single": ["strategy" in m.components and _name(m, "strategy") == "only" for m in methods],
        "overlap": [
            any(r.result is not None and r.result.sources.marked for r in by_method[m.id])
            for m in methods
        ],
    }


def _name(method: Method, kind: str) -> str:
    return str(method.components.get(kind, {}).get("name", ""))


def _component(table: Any) -> list[Any]:
    params = table.get("params", {})
    return [str(table.get("name", "")), table.get("version"), list(params.items())]


def _plugins(rows: Sequence[Record]) -> list[list[str]]:
    return sorted({(k, v) for row in rows for k, v in row.plugins.items()})  # type: ignore[misc]


def _shelved(values: Sequence[Any]) -> dict[str, Any]:
    """Values that repeat, held once: the different ones, and which each is."""
    shelf: dict[str, int] = {}
    kept: list[Any] = []
    places = []
    for value in values:
        if (key := repr(value)) not in shelf:
            shelf[key] = len(kept)
            kept.append(value)
        places.append(shelf[key])
    return {"kept": kept, "of": places}


def _compute(report: Report) -> dict[str, Any]:
    """Costs by method and machine, and where each method lies in the picture."""
    place = {line.method: i for i, line in enumerate(report.board.lines)}
    machines = list(dict.fromkeys(cost.machine for cost in report.costs))
    environments: dict[str, list[list[str]]] = {}
    for row in {id(row.environment): row for row in report.rows if row.cost}.values():
        fields = [[key, str(value)] for key, value in sorted(row.environment.items())]
        environments.setdefault(machine_of(row), fields)
    costs: list[list[Any]] = [[] for _ in place]
    for cost in report.costs:
        numbers = (
            *(cost.parameters, cost.student_macs, cost.latency_ms, cost.teacher_macs),
            *(cost.images_per_step, cost.steps, cost.training_macs, cost.teacher_pass_macs),
            *(cost.teacher_training_macs, cost.total_training_macs, cost.selection_macs),
            *(cost.train_seconds, cost.total_training_seconds, cost.total_seconds),
            cost.peak_memory_mb,
        )
        costs[place[cost.method]].append(
            [machines.index(cost.machine), cost.cells, *map(digits, numbers)]
        )
    macs: list[float | None] = [None] * len(place)
    for point in points(report.board, report.rows):
        macs[place[point.method]] = digits(point.training_macs)
    return {
        "machines": [environments.get(machine, []) for machine in machines],
        "costs": costs,
        "macs": macs,
    }


def _missing(line: Line) -> list[list[Any]]:
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for gap in line.missing:
        groups[gap.task, gap.status, gap.reason].append(gap.seed)
    return [[task, status, reason, seeds] for (task, status, reason), seeds in groups.items()]


def _metrics(report: Report) -> list[Any]:
    return [
        {
            "metric": line.metric,
            "distiller": line.distiller,
            "values": [
                [digits(line.values[k].mean), digits(line.values[k].half)] if line.values else None
                for k in MEASURED
            ],
            "tasks": [
                [digits(v) for v in line.by_task[t]] if t in line.by_task else None
                for t in report.board.tasks
            ],
            "sources": list(line.sources),
            "leftOut": [[task, why] for task, why in line.left_out.items()],
        }
        for line in report.metrics
    ]
