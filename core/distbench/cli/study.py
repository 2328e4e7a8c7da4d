"""`distbench study`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, echo_failed
from distbench.errors import UsageError

EPILOG = "Example: distbench study --metric logme --metric parc"


_Metric = Annotated[list[str] | None, o.what(help="Is judged; repeats. \\[default: all]")]


@o.with_options(
    ...,
    *("suite", "task", "zoo", "student", "metric", "seeds", "overlap"),
    *(*o.PROTOCOL, *o.EXECUTION, "name", *o.DATA, "config"),
    metric=_Metric,
)
def study(
    given: dict[str, Any],
    oracle: Annotated[
        str,
        typer.Option(
            help="How every source is tried alone: distil, probe or finetune, or a distiller."
        ),
    ] = "distil",
    reference: Annotated[
        str | None,
        typer.Option(help="Metric that the others are compared with. \\[default: the best tau]"),
    ] = None,
    teams: Annotated[
        int | None,
        typer.Option(min=1, help="Try so many teams, drawn at random, in place of single sources."),
    ] = None,
    team_size: Annotated[
        int | None, typer.Option(min=2, help="Members of a team. \\[default: 3]")
    ] = None,
    json: o.Json = False,
) -> None:
    """Judge metrics: their scores against what every source alone leads to on every task.

    Reports the weighted Kendall tau, Pearson's correlation and the accuracy lost by taking the
    best-scored source, paired differences to a reference metric, all with intervals over tasks, and
    the noise of the seeds. Where a metric says nothing it counts as chance. With --teams it is
    teams of sources that are tried: a metric of teams scores each, of any other it is the mean of
    what it says of the members.
    """
    from distbench.cli.shown.progress import UnitProgress
    from distbench.leaderboard.tables.metric_table import metric_table, metrics_as_dicts
    from distbench.leaderboard.tables.text_table import terminal_text
    from distbench.workflows.studies.study import study as run_study
    from distbench.workflows.studies.team_study import Teams

    config = o.run_config(given, metric=given["metric"] or ("all",))
    if teams is None and team_size is not None:
        raise UsageError("--team-size is of teams: say how many to try, --teams 40")
    of_teams = None if teams is None else Teams(teams, team_size or 3)
    with UnitProgress() as progress:
        studied = run_study(
            config, oracle=oracle, reference=reference, teams=of_teams, progress=progress
        )
    for warning in studied.warnings:
        echo(f"warning: {warning}", err=True)
    echo_failed(studied.run.failed)
    if json:
        o.print_json(
            {
                "folder": str(studied.folder),
                "oracle": studied.oracle,
                "metrics": metrics_as_dicts(studied.lines),
                "warnings": list(studied.warnings),
            }
        )
    else:
        echo(terminal_text(metric_table(studied.lines, tried=studied.tried)))
        echo(f"\nTables and pictures lie in {studied.folder}.")
    if studied.exit_code:
        raise typer.Exit(studied.exit_code)
