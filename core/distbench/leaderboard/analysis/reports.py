"""Which results may share a table: a report for each suite, student, protocol and zoo."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from distbench.errors import UsageError
from distbench.leaderboard.analysis.board import Board, build_board, task_measures
from distbench.leaderboard.analysis.costs import MethodCost, method_costs
from distbench.leaderboard.analysis.metric_quality import MetricLine, metric_lines
from distbench.leaderboard.analysis.source_weights import TaskWeights, source_weights
from distbench.leaderboard.rows.common_cells import common_tasks, left_out
from distbench.leaderboard.rows.disagreements import shown, told_apart
from distbench.leaderboard.rows.entries import cells
from distbench.leaderboard.rows.evidence import best_evidence
from distbench.leaderboard.rows.gc_pause import without_cycles
from distbench.leaderboard.rows.measures import MeasureFacts, given_measure
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.leaderboard.rows.own_cells import own_baselines, planned_cells
from distbench.leaderboard.rows.records import RowRecord, TableSetting


@dataclass(frozen=True)
class BoardReport:
    """One table and all that belongs to it.

    Attributes:
        label: What it is of, for people; no two reports of one call have the same.
        rows: The records behind the board.
        origins: DeclaredMethod to the numbers of the files that its rows come from.
        left_out: What is not on the board although it was read or planned, a sentence each.
    """

    label: str
    board: Board
    setting: TableSetting
    zoo: str | None
    rows: tuple[RowRecord, ...]
    costs: tuple[MethodCost, ...]
    weights: tuple[TaskWeights, ...]
    metrics: tuple[MetricLine, ...]
    origins: Mapping[str, tuple[int, ...]]
    left_out: tuple[str, ...]


@dataclass
class _Group:
    setting: TableSetting
    zoo: str | None
    rows: list[RowRecord]


def reports(
    collected: Collected,
    *,
    baseline: str = "finetune",
    measure: str | MeasureFacts | None = None,
    reference: str | None = None,
) -> list[BoardReport]:
    """A report for each group of results that may share a table, the largest first.

    Args:
        collected: All that was read.
        baseline: The method that all others are compared with.
        measure: As for `build_board`.
        reference: The metric with which the others are compared, in each table that has it; the
            first of a table if None.

    Raises:
        UsageError: An unknown measure, tasks whose measures have no common mean, or two runs with
            different results for one cell.
    """
    common = given_measure(measure)
    with without_cycles():
        return _reports(collected, baseline, common, reference)


def _reports(
    collected: Collected, baseline: str, measure: MeasureFacts | None, reference: str | None
) -> list[BoardReport]:
    groups = [
        part
        for setting in _by_protocol(collected.records)
        for data in _by_data(setting)
        for part in _by_seeds(data)
    ]
    groups.sort(key=lambda g: (-len(g.rows), *_facts(g).values()))
    labels = _labels(groups)
    return [
        _report(group, label, collected.origins, baseline, measure, reference)
        for group, label in zip(groups, labels, strict=True)
    ]


def _by_protocol(records: Iterable[RowRecord]) -> list[_Group]:
    """Groups of one setting and zoo; what uses no zoo belongs to every zoo of its setting."""
    settings: dict[int, _Group] = {}
    for row in records:
        settings.setdefault(id(row.setting), _Group(row.setting, None, [])).rows.append(row)
    groups = []
    for group in settings.values():
        zoos: list[str | None] = [*sorted({row.zoo for row in group.rows if row.zoo is not None})]
        for zoo in zoos or [None]:
            rows = [row for row in group.rows if row.zoo in (None, zoo)]
            groups.append(_Group(group.setting, zoo, rows))
    return groups


def _by_data(group: _Group) -> list[_Group]:
    """Files whose tasks have other data than those of the files before go into another group."""
    by_origin: dict[int, list[RowRecord]] = defaultdict(list)
    for row in group.rows:
        by_origin[row.origin].append(row)
    parts: list[tuple[dict[str, str], list[RowRecord]]] = []
    for origin in sorted(by_origin):
        mine: dict[str, str] = {}
        for row in by_origin[origin]:
            if mine.setdefault(row.task.id, row.task.fingerprint) != row.task.fingerprint:
                raise UsageError(
                    f"task {row.task.id!r} has two different sets of data in one file. "
                    "Run them apart."
                )
        for prints, rows in parts:
            if all(prints.get(task, value) == value for task, value in mine.items()):
                prints.update(mine)
                rows += by_origin[origin]
                break
        else:
            parts.append((mine, by_origin[origin]))
    return [_Group(group.setting, group.zoo, rows) for _, rows in parts]


def _by_seeds(group: _Group) -> list[_Group]:
    """Files without a seed in common, as a confirmation on fresh seeds, go into other groups."""
    seeds: dict[int, set[int]] = defaultdict(set)
    for row in group.rows:
        seeds[row.origin].add(row.seed)
    parts: list[set[int]] = []
    for mine in seeds.values():
        touched = [part for part in parts if part & mine]
        parts = [part for part in parts if not part & mine] + [mine.union(*touched)]
    return [
        _Group(group.setting, group.zoo, [row for row in group.rows if row.seed in part])
        for part in sorted(parts, key=min)
    ]


def _facts(group: _Group) -> dict[str, str]:
    """What may tell two tables apart, most telling first, as text."""
    setting = group.setting
    params = setting.student.get("params", {})
    named = [v for k, v in sorted(params.items()) if isinstance(v, str) and k != "weights"]
    student = ":".join([str(setting.student.get("name", "student")), *named])
    return {
        "suite": f"{setting.suite} v{setting.suite_version}",
        "student": student,
        "zoo": (group.zoo or "none").partition("@")[0],
        **{key: shown(value) for key, value in sorted(setting.protocol.items())},
        "seeds": _seeds(group),
        "zoo version": (group.zoo or "").partition("@")[2],
        "student details": shown(setting.student),
    }


def _seeds(group: _Group) -> str:
    seeds = sorted({row.seed for row in group.rows})
    whole = seeds == list(range(seeds[0], seeds[-1] + 1)) and len(seeds) > 1
    return f"{seeds[0]}-{seeds[-1]}" if whole else ", ".join(map(str, seeds))


def _labels(groups: Sequence[_Group]) -> list[str]:
    """Suite and student, and whatever else differs between tables of that suite and student."""
    facts = [_facts(group) for group in groups]
    labels = []
    for mine in facts:
        head = mine["suite"], mine["student"]
        label = f"{mine['suite']}, student {mine['student']}"
        same = [f for f in facts if (f["suite"], f["student"]) == head]
        labels.append(label + _differences(mine, same, list(mine)[2:-2]))
    for i, mine in enumerate(facts):
        same = [f for f, label in zip(facts, labels, strict=True) if label == labels[i]]
        if len(same) > 1:
            labels[i] += _differences(mine, same, list(mine)[-2:])
    total, seen = Counter(labels), Counter[str]()
    for i, label in enumerate(labels):
        if total[label] > 1:  # the same in all but the data of a task
            seen[label] += 1
            labels[i] = f"{label}, data {seen[label]}"
    return labels


def _differences(
    mine: Mapping[str, str], others: Sequence[Mapping[str, str]], keys: Sequence[str]
) -> str:
    """What tells these facts from others, as text to go on with."""
    differing = [key for key in keys if len({other.get(key) for other in others}) > 1]
    return "".join(f", {key.replace('_', ' ')} {mine.get(key) or 'none'}" for key in differing)


def _report(
    group: _Group,
    label: str,
    origins: Sequence[RowOrigin],
    baseline: str,
    measure: MeasureFacts | None,
    reference: str | None,
) -> BoardReport:
    rows = told_apart(group.rows, origins)
    tasks = common_tasks(rows, origins)
    kept = [row for row in rows if row.task.id in tasks]
    sources: dict[str, set[int]] = defaultdict(set)
    for row in kept:
        sources[row.method.id].add(row.origin)
    planned, own = planned_cells(kept, origins, tasks), own_baselines(kept, baseline)
    task_measures(kept, tasks, measure)  # copies of a cell may name different ones
    # Copies of a cell, of which the files are remembered above, are looked at once.
    best, copies = best_evidence(kept), kept
    kept = [
        row._replace(evidence=best.get(cell, row.evidence))
        for cell, row in sorted(cells(kept).items())
    ]
    board = build_board(
        kept,
        tasks=tasks,
        seeds=sorted({seed for some in planned.values() for _, seed in some}),
        baseline=baseline,
        measure=measure,
        planned=planned,
        own_baseline=own,
    )
    methods = [line.method for line in board.lines]
    return BoardReport(
        label=label,
        board=board,
        setting=group.setting,
        zoo=group.zoo,
        rows=tuple(kept),
        costs=tuple(method_costs(kept, methods=methods)),
        weights=tuple(source_weights(kept, methods=methods, tasks=tasks)),
        metrics=tuple(
            metric_lines(
                copies,
                tasks=tasks,
                measures=board.measures,
                reference=reference,
                origins=origins,
            )
        ),
        origins={method: tuple(sorted(numbers)) for method, numbers in sources.items()},
        left_out=(*left_out(rows, tasks), *_missing(rows, origins)),
    )


def _missing(rows: Iterable[RowRecord], origins: Sequence[RowOrigin]) -> tuple[str, ...]:
    """What the files of these rows planned and do not hold, a sentence each."""
    used = [origins[number] for number in sorted({row.origin for row in rows})]
    return tuple(f"{origin.path}: {origin.missing}." for origin in used if origin.missing)
