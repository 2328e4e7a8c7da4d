"""What the page shows of compute: costs by machine, and the picture of accuracy against it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from distbench.leaderboard.analysis.costs import machine_fields, machine_of
from distbench.leaderboard.analysis.pareto import points
from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.page.detail import digits
from distbench.leaderboard.tables.cost_table import SHOWN


def compute_data(report: BoardReport) -> dict[str, Any]:
    """Costs by method and machine, training compute, and who is on the Pareto front.

    Seconds are those of the machine that most methods were measured on.
    """
    number = {line.method: i for i, line in enumerate(report.board.lines)}
    machines = list(dict.fromkeys(cost.machine for cost in report.costs))
    environments: dict[str, list[list[str]]] = {}
    for row in {id(row.environment): row for row in report.rows if row.cost}.values():
        fields = [[key, str(value)] for key, value in machine_fields(row)]
        environments.setdefault(machine_of(row), fields)
    counts = Counter(cost.machine for cost in report.costs)
    main = max(machines, key=lambda machine: counts[machine], default=None)
    costs: list[list[Any]] = [[] for _ in number]
    seconds: list[float | None] = [None] * len(number)
    for cost in report.costs:
        values = (digits(getattr(cost, column.key)) for column in SHOWN[1:])
        costs[number[cost.method]].append([machines.index(cost.machine), cost.cells, *values])
        if cost.machine == main:
            seconds[number[cost.method]] = digits(cost.total_training_seconds)
    macs: list[float | None] = [None] * len(number)
    front = [False] * len(number)
    for point in points(report.board, report.rows):
        macs[number[point.method]] = digits(point.training_macs)
        front[number[point.method]] = point.on_front
    return {
        "machines": [environments.get(machine, []) for machine in machines],
        "machine": 0 if main is None else machines.index(main),
        "costs": costs,
        "macs": macs,
        "seconds": seconds,
        "front": front,
    }
