"""What the page shows, as compact as it can be: columns instead of records, numbers rounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from distbench.leaderboard.analysis.lines import Line
from distbench.leaderboard.analysis.metric_measures import MEASURED
from distbench.leaderboard.analysis.metric_quality import oracle
from distbench.leaderboard.analysis.metric_scores import metric_of
from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.page.about import About
from distbench.leaderboard.page.columns import column_data, share
from distbench.leaderboard.page.comparisons import comparison_data
from distbench.leaderboard.page.compute import compute_data
from distbench.leaderboard.page.detail import curve_data, digits, weight_data
from distbench.leaderboard.page.nature import (
    component_table,
    image_notes,
    origin_day,
    remake_of,
)
from distbench.leaderboard.rows.evidence import EVIDENCE
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.records import DeclaredMethod, RowRecord
from distbench.leaderboard.statistics import Estimate, mean_interval
from distbench.leaderboard.tables.board_table import (
    fewer_seeds,
    group_notes,
    noise_of,
    reading_notes,
    untuned_notes,
)
from distbench.leaderboard.tables.cost_table import SHOWN
from distbench.leaderboard.tables.text_table import Text, short_names


def page_data(collected: Collected, reports: Sequence[BoardReport], about: About) -> dict[str, Any]:
    """Everything that the page shows, as values that JSON can hold."""
    return {
        "origins": [
            {
                "path": origin.path,
                "kind": origin.kind,
                "submitter": origin.submitter,
                "about": [*origin.about.items(), *origin_day(origin, about)],
            }
            for origin in collected.origins
        ],
        "refused": list(collected.refused),
        "costColumns": [[column.page_title, column.page_form] for column in SHOWN],
        "components": component_table(about),
        "evidence": EVIDENCE,
        "boards": [_board(report, collected.origins, about) for report in reports],
    }


def _board(report: BoardReport, origins: Sequence[RowOrigin], about: About) -> dict[str, Any]:
    board = report.board
    declared: dict[str, DeclaredMethod] = {row.method.id: row.method for row in report.rows}
    by_method: dict[str, list[RowRecord]] = defaultdict(list)
    for row in report.rows:
        by_method[row.method.id].append(row)
    methods = [declared[line.method] for line in board.lines]
    sources = sorted({share.source for line in report.weights for share in line.shares})
    return {
        "label": report.label,
        "suite": f"{board.suite} v{board.suite_version}",
        "zoo": report.zoo,
        "measure": board.measure_title,
        "measureHead": board.measure_head,
        "measures": [one.title for one in board.measures],
        "percent": board.percent,
        "sign": board.sign,
        "setting": [
            *(["protocol", key, value] for key, value in report.setting.protocol.items()),
            *(["student", key, value] for key, value in report.setting.student.items()),
        ],
        "tasks": list(board.tasks),
        "short": short_names(board.tasks),
        "groups": list(board.groups),
        "images": image_notes(report, about),
        "groupNotes": _texts(group_notes(board)),
        "notes": _texts([*reading_notes(board), *untuned_notes(board), *fewer_seeds(board)]),
        "noise": noise_of(board),
        "facts": _task_facts(report),
        "seeds": list(board.seeds),
        "baseline": board.baseline,
        "wanted": board.wanted_baseline,
        "leftOut": list(report.left_out),
        **column_data(board),
        **_kinds(methods, by_method),
        **compute_data(report),
        **comparison_data(board),
        "again": [m.written if m.again else None for m in methods],
        "computedAgain": [
            sum(origins[n].again.get(m.written or m.id, 0) for n in report.origins[m.id])
            for m in methods
        ],
        "remake": [remake_of(report, line.method, about) for line in board.lines],
        "origins": [list(report.origins[line.method]) for line in board.lines],
        "plugins": _shelved([_plugins(by_method[line.method]) for line in board.lines]),
        "settings": [
            [[kind, *_component(table)] for kind, table in m.components.items()] for m in methods
        ],
        "missing": [_missing(line) for line in board.lines],
        "curves": curve_data(board, by_method),
        "sources": sources,
        **weight_data(report, sources),
        "metrics": _metrics(report),
    }


def _texts(notes: Sequence[Sequence[Text]]) -> list[Any]:
    """Notes as lists of parts: a text, and whether it is a name."""
    return [[[part.line, int(part.kind == "name")] for part in line] for line in notes]


def _task_facts(report: BoardReport) -> list[dict[str, Any]]:
    """For each task its size, and what single sources led to."""
    first: dict[str, RowRecord] = {}
    for row in report.rows:
        if row.task.id not in first or (row.result and not first[row.task.id].result):
            first[row.task.id] = row
    rows = {(row.method.id, row.task.id, row.seed): row for row in report.rows}
    single: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    measures = dict(zip(report.board.tasks, report.board.measures, strict=True))
    for by_cell in oracle(rows, measures).values():
        for (task, _), reached in by_cell.items():
            for source, value in reached.items():
                single[task][source].append(value)
    facts = []
    for task in report.board.tasks:
        one = first.get(task)
        means = sorted(
            ((s, mean_interval(v)) for s, v in single[task].items()),
            key=lambda x: -report.board.sign * x[1].mean,
        )
        facts.append(
            {
                "use": one.task.use if one else task,
                "classes": one.task.classes if one else None,
                "fingerprint": one.task.fingerprint if one else None,
                "notes": list(one.task.notes) if one else [],
                "parts": list(one.result.parts) if one and one.result else None,
                "single": [[s, share(e.mean), share(e.half)] for s, e in means],
            }
        )
    return facts


def _kinds(
    methods: Sequence[DeclaredMethod], by_method: Mapping[str, Sequence[RowRecord]]
) -> dict[str, Any]:
    """What each method is made of, for the filters."""
    return {
        "kind": [_name(m, "distiller") or _name(m, "baseline") for m in methods],
        "baselineKind": ["baseline" in m.components for m in methods],
        "strategy": [_name(m, "strategy") for m in methods],
        "metric": [metric_of(by_method[m.id][0]) for m in methods],
        "single": ["strategy" in m.components and _name(m, "strategy") == "only" for m in methods],
        "overlap": [
            any(r.result is not None and r.result.sources.marked for r in by_method[m.id])
            for m in methods
        ],
    }


def _name(method: DeclaredMethod, kind: str) -> str:
    return str(method.components.get(kind, {}).get("name", ""))


def _component(table: Any) -> list[Any]:
    params = table.get("params", {})
    return [str(table.get("name", "")), table.get("version"), list(params.items())]


def _plugins(rows: Sequence[RowRecord]) -> list[list[str]]:
    return sorted({(k, v) for row in rows for k, v in row.plugins.items()})  # type: ignore[misc]


def _shelved(values: Sequence[Any]) -> dict[str, Any]:
    """Values that repeat, held once: the different ones, and which each is."""
    shelf: dict[str, int] = {}
    kept: list[Any] = []
    numbers = []
    for value in values:
        if (key := repr(value)) not in shelf:
            shelf[key] = len(kept)
            kept.append(value)
        numbers.append(shelf[key])
    return {"kept": kept, "of": numbers}


def _missing(line: Line) -> list[list[Any]]:
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for gap in line.missing:
        groups[gap.task, gap.status, gap.reason].append(gap.seed)
    return [[task, status, reason, seeds] for (task, status, reason), seeds in groups.items()]


def _metrics(report: BoardReport) -> list[Any]:
    def shown(estimate: Estimate | None) -> list[float | None] | None:
        return [digits(estimate.mean), digits(estimate.half)] if estimate else None

    return [
        {
            "metric": line.metric,
            "distiller": line.distiller,
            "origins": list(line.origins),
            "values": [shown(line.values.get(key)) for key in MEASURED],
            "tasks": [
                [digits(v) for v in line.by_task[t]] if t in line.by_task else None
                for t in report.board.tasks
            ],
            "sources": list(line.sources),
            "tried": line.tried[1],
            "chance": [[task, why] for task, why in line.chance.items()],
            "leftOut": [[task, why] for task, why in line.left_out.items()],
            "differences": [
                [other, [shown(one) for one in differences]]
                for other, differences in line.differences.items()
            ],
            "noise": line.noise and [shown(line.noise.tau), shown(line.noise.regret)],
        }
        for line in report.metrics
    ]
