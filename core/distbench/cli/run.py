"""`distbench run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, echo_failed, echo_traceback, table

if TYPE_CHECKING:
    from distbench.cli.advise import Advised
    from distbench.interfaces.reporter import Cell
    from distbench.planning.config import RunConfig
    from distbench.planning.plan import Plan
    from distbench.workflows.run_result import RunResult

EPILOG = "Example: distbench run --metric logme --strategy weighted"


@o.with_options(
    *("suite", "task", "zoo", "student", *o.METHODS, "measure", "seeds", "first_seed"),
    "overlap",
    *(*o.PROTOCOL, *o.EXECUTION, "reporter", "name", *o.DATA, "save_student", "config"),
    ...,
)
def run(
    given: dict[str, Any],
    shard: Annotated[
        str | None,
        o.how(help="Only one slice of the cells, e.g. 3/16; `distbench merge` joins them."),
    ] = None,
    sweep: Annotated[
        str | None,
        o.how(
            help="Run at several values of a parameter or option, and draw the curve, e.g. "
            "strategy.power=0,4,inf or labelled=0.1,0.5."
        ),
    ] = None,
    advise: Annotated[
        bool,
        typer.Option(
            "--advise", help="Advise on each task at the end, as `distbench advise` does."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the cells and what is cached; compute nothing.")
    ] = False,
    json: o.Json = False,
) -> None:
    """Cross methods and tasks, compute what is missing, and print the leaderboard."""
    config = o.run_config(given)
    part = _shard(shard) if shard else None
    if advise and (shard or sweep or dry_run):
        from distbench.errors import UsageError

        raise UsageError("--advise needs a whole run: leave out --shard, --sweep and --dry-run")
    if sweep:
        _sweep(config, sweep, alone=not (shard or dry_run), as_json=json)
        return
    if dry_run:
        _dry_run(config, part, as_json=json)
        return
    from distbench.cli.shown.progress import UnitProgress
    from distbench.workflows.run import execute

    with UnitProgress() as progress:
        result = execute(config, shard=part, progress=progress, on_plan=o.print_notes)
    advice = _advice(result) if advise and result.board else None
    _report(result, advice, as_json=json)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _advice(result: RunResult) -> Advised | None:
    """The advice; why there is none is a warning, since the run itself is done."""
    from distbench.cli.advise import advised
    from distbench.engine.records.run_folder import RunFolder
    from distbench.errors import UsageError

    try:
        return advised(RunFolder(result.folder, result.plan, result.rows), page=True)
    except UsageError as error:
        echo(f"warning: {error}", err=True)
        return None


def _sweep(config: RunConfig, text: str, *, alone: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from distbench.cli.shown.progress import UnitProgress
    from distbench.errors import UsageError
    from distbench.leaderboard.figures.sweep import sweep_text
    from distbench.workflows.studies.sweep import Sweep, run_sweep

    if not alone:
        raise UsageError("--sweep goes with neither --shard nor --dry-run")
    with UnitProgress() as progress:
        swept = run_sweep(config, Sweep.parse(text), progress=progress)
    for value, run in zip(swept.sweep.values, swept.runs, strict=True):
        for line in (*run.warnings, *(f"{r.method.id}: {r.reason}" for r in run.failed)):
            echo(f"warning: at {value}: {line}", err=True)
    if as_json:
        o.print_json({"folder": str(swept.folder), **asdict(swept.curve)})
    else:
        echo(sweep_text(swept.curve))
        echo(f"\nThe curve and a leaderboard for each value lie in {swept.folder}.")
    if swept.exit_code:
        raise typer.Exit(swept.exit_code)


def _shard(text: str) -> tuple[int, int]:
    from distbench.errors import UsageError

    number, slash, of = text.partition("/")
    if not (slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {text!r} will not do; write NUMBER/OF, e.g. 3/16")
    return int(number), int(of)


def _report(result: RunResult, advice: Advised | None, *, as_json: bool) -> None:
    from distbench.leaderboard.tables.board_table import board_table
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.workflows.export.best import best_on_validation, chosen, sources_ahead

    if untuned := sorted({_learner(m.id) for m in result.plan.methods if m.untuned}):
        echo(
            f"note: untuned: {', '.join(untuned)}: suite {result.plan.suite} has no settings for "
            "them, so that they have what they declare (`distbench tune` chooses)",
            err=True,
        )
    for warning in result.warnings:
        echo(f"warning: {warning}", err=True)
    for lines in dict.fromkeys(row.traceback for row in result.failed):
        echo_traceback(lines)
    echo_failed(result.failed)
    in_effect = _in_effect(result)
    if as_json:
        o.print_json(
            {
                "folder": str(result.folder),
                "cells": len(result.rows),
                "computed": result.computed,
                "failed": len(result.failed),
                "leaderboard": result.board.as_dict() if result.board else None,
                "sources_in_effect": in_effect,
                **({"advice": advice.as_dict()} if advice else {}),
            }
        )
        return
    if result.board:
        echo(terminal_text(board_table(result.board)))
    if in_effect:
        echo("Sources in effect, 1 / sum of squared weights, mean over seeds (`show` has more):")
    for method, by_task in in_effect.items():
        low, high = min(by_task.values()), max(by_task.values())
        mean = sum(by_task.values()) / len(by_task)
        span = f", {low:.1f} to {high:.1f} over tasks" if len(by_task) > 1 else ""
        echo(f"  {method}: {mean:.1f}{span}")
    echo(
        f"\n{len(result.rows)} cells, {result.computed} computed now. "
        f"Everything lies in {result.folder}; `distbench show {result.folder}` shows more."
    )
    best = best_on_validation(result.rows)
    for task, path in result.students.items():
        echo(f"Best student on validation for {task}: {path} (how to use it: README.md)")
        echo(f"  It is {chosen(best[task], result.rows)}.")
        if ahead := sources_ahead(best[task], result.rows):
            echo(f"  {ahead}")
    if advice:
        echo("\n" + advice.text())


def _learner(method: str) -> str:
    """The distiller or baseline of a method, as its name begins."""
    return method.partition("/")[0]


def _in_effect(result: RunResult) -> dict[str, dict[str, float]]:
    """Effective number of sources by method and task, in the board's order."""
    from distbench.leaderboard.analysis.source_weights import source_weights

    by_method: dict[str, dict[str, float]] = {}
    methods = [method.id for method in result.plan.methods]
    tasks = [task.id for task in result.plan.tasks]
    for line in source_weights(result.rows, methods=methods, tasks=tasks):
        by_method.setdefault(line.method, {})[line.task] = line.effective
    return by_method


def _dry_run(config: RunConfig, shard: tuple[int, int] | None, *, as_json: bool) -> None:
    from distbench.engine.execute import short_of_memory, workers_at_once
    from distbench.engine.forecast.estimate import mean_seconds
    from distbench.engine.records.ledger import Ledger
    from distbench.planning.planner import make_plan
    from distbench.workflows.run import made_ready

    plan = make_plan(config)
    o.print_notes(plan)
    cells = plan.shard(*shard) if shard else plan.cells
    ledger = Ledger(plan)
    to_compute = ledger.missing(cells)
    executor, _ = made_ready(config, plan, to_compute)
    missing = {cell.id for cell in to_compute}
    seconds = mean_seconds(ledger.rows())
    cost = sum(seconds.get(cell.method, 0.0) for cell in cells if cell.id in missing)
    known = bool(missing) and all(c.method in seconds for c in cells if c.id in missing)
    if as_json:
        o.print_json(
            {
                "name": plan.name,
                "cells": [
                    {
                        "id": cell.id,
                        "key": cell.key,
                        "task": cell.task,
                        "method": cell.method,
                        "seed": cell.seed,
                        "cached": cell.id not in missing,
                    }
                    for cell in cells
                ],
                "missing": len(missing),
                "estimated_seconds": cost if known else None,
            }
        )
        return
    workers = min(workers_at_once(config, plan, executor) or 0, len(missing))
    if warning := short_of_memory(plan, executor, workers):
        echo(f"warning: {warning}", err=True)
    echo(_table(plan, cells, missing))
    guess = (
        f"about {cost:.0f} s of computing, from cells of these methods that were done before"
        if known
        else "the cost is not known before one cell of each method has been done"
    )
    if missing:
        echo(f"{len(cells)} cells, {len(missing)} to be computed; {guess}.")
    else:
        echo(f"{len(cells)} cells, all cached.")


def _table(plan: Plan, cells: Sequence[Cell], missing: set[str]) -> str:
    rows = []
    for method in plan.methods:
        row: list[object] = [method.id, method.role]
        for task in plan.tasks:
            mine = [c for c in cells if c.method == method.id and c.task == task.id]
            cached = sum(cell.id not in missing for cell in mine)
            row.append(f"{cached}/{len(mine)}" if mine else "-")
        rows.append(row)
    return table(rows, ["cached cells", "role", *(t.id for t in plan.tasks)])
