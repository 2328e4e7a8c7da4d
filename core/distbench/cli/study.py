"""`distbench study`."""

from __future__ import annotations

from typing import Annotated

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("study", epilog="Example: distbench study --metric logme --metric parc")(study)


def study(
    oracle: Annotated[
        str,
        typer.Option(
            help="How every source is tried alone: distil, probe or finetune, or a distiller."
        ),
    ] = "distil",
    suite: o.Suite = None,
    task: o.Tasks = None,
    zoo: o.Zoo = None,
    student: o.Student = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Is judged; repeats. \\[default: all]",
            rich_help_panel="What to run",
        ),
    ] = None,
    seeds: o.Seeds = None,
    overlap: o.Overlap = None,
    labelled: o.Labelled = None,
    validation: o.Validation = None,
    image_size: o.ImageSize = None,
    steps: o.Steps = None,
    batch: o.BatchSize = None,
    threads: o.Threads = None,
    probe_size: o.ProbeSize = None,
    precision: o.Precision = None,
    executor: o.Executor = None,
    workers: o.Workers = None,
    timeout: o.Timeout = None,
    device: o.Device = None,
    offline: o.Offline = None,
    plugin: o.Plugins = None,
    name: o.Name = None,
    skip_corrupt: o.SkipCorrupt = None,
    config: o.Config = None,
    json: o.Json = False,
) -> None:
    """Judge metrics: their scores against what every source alone leads to on every task.

    Reports the weighted Kendall tau, Pearson's correlation and the accuracy lost by taking the
    best-scored source, with intervals over tasks, and draws every source's accuracy.
    """
    given = dict(locals())
    for own in ("oracle", "config", "json"):
        given.pop(own)
    from distbench.cli.progress import UnitProgress
    from distbench.leaderboard.tables.metric_table import metric_table, metrics_as_dicts
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.planning.config import RunConfig
    from distbench.workflows.study import study as made

    given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    given["metric"] = given["metric"] or ("all",)
    with UnitProgress() as progress:
        found = made(RunConfig.make(config, **given), oracle=oracle, progress=progress)
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for row in found.run.failed:
        typer.echo(f"failed: {row.method.id} on {row.task.id}: {row.reason}", err=True)
    if json:
        o.print_json(
            {
                "folder": str(found.folder),
                "oracle": found.oracle,
                "metrics": metrics_as_dicts(found.lines),
            }
        )
    else:
        typer.echo(terminal_text(metric_table(found.lines)))
        typer.echo(f"\nTables and pictures lie in {found.folder}.")
    if found.run.exit_code:
        raise typer.Exit(found.run.exit_code)
