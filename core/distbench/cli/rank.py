"""`distbench rank`."""

from __future__ import annotations

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        "rank", epilog="Example: distbench rank --task folder:path=photos --zoo local:path=models"
    )(rank)


def rank(
    task: o.Tasks = None,
    zoo: o.Zoo = None,
    metric: o.Metrics = None,
    strategy: o.Strategies = None,
    suite: o.Suite = None,
    overlap: o.Overlap = None,
    labelled: o.Labelled = None,
    probe_size: o.ProbeSize = None,
    device: o.Device = None,
    plugin: o.Plugins = None,
    skip_corrupt: o.SkipCorrupt = None,
    json: o.Json = False,
) -> None:
    """Score and weigh the sources of a zoo for one task; trains nothing."""
    given = dict(locals())
    as_json = given.pop("json")
    from distbench.config import RunConfig
    from distbench.ranking import rank_sources

    given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    ranking = rank_sources(RunConfig.make(None, baseline=("none",), **given))
    for source, reason in ranking.excluded.items():
        typer.echo(f"warning: source {source} is left out: {reason}", err=True)
    for source, reason in ranking.marked.items():
        typer.echo(f"warning: source {source} is kept, but {reason}", err=True)
    if as_json:
        o.print_json(
            {
                "task": ranking.task,
                "metric": ranking.metric,
                "strategy": ranking.strategy,
                "probe": ranking.probe,
                "sources": [
                    {
                        "name": r.source.name,
                        "score": r.score,
                        "weight": r.weight,
                        "domain": r.source.domain,
                        "architecture": r.source.architecture,
                        "licence": r.source.licence,
                    }
                    for r in ranking.sources
                ],
                "excluded": ranking.excluded,
                "marked": ranking.marked,
            }
        )
        return
    from tabulate import tabulate

    rows = [
        [place, r.source.name, r.score, r.weight, r.source.architecture, r.source.domain]
        for place, r in enumerate(ranking.sources, 1)
    ]
    headers = ["", "source", ranking.metric, f"weight ({ranking.strategy})", "architecture"]
    typer.echo(tabulate(rows, [*headers, "domain"], "simple", floatfmt=".4f"))
    typer.echo(f"\n{ranking.task}: scored on {ranking.probe} labelled images.")
