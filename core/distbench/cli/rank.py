"""`distbench rank`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from distbench.cli import options as o
from distbench.cli.shown.output import echo, echo_traceback, table

if TYPE_CHECKING:
    from distbench.engine.ranking import Comparison, Ranking

EPILOG = "Example: distbench rank --task folder:path=photos --zoo local:path=models"


_Distiller = Annotated[
    list[str] | None,
    typer.Option(help="Leave out sources that it cannot learn from, e.g. pseudo_labels."),
]


_Timeout = Annotated[float | None, o.how(help="Seconds that it may take.")]
_Executor = Annotated[str | None, o.how(help="Who embeds the sources. \\[default: local]")]
_Workers = Annotated[
    int | None,
    o.how(
        help="Sources that are embedded at once. "
        "\\[default: cores / threads where that is faster than one process]"
    ),
]
_Retries = Annotated[
    int | None,
    o.how(help="How often a source is tried again whose worker is gone. \\[default: 1]"),
]


@o.with_options(
    *("task", "zoo", "metric", "strategy", "distiller", "suite", "student", "overlap"),
    *("labelled", "probe_size", *o.EXECUTION, *o.DATA),
    ...,
    distiller=_Distiller,
    executor=_Executor,
    workers=_Workers,
    timeout=_Timeout,
    retries=_Retries,
)
def rank(given: dict[str, Any], json: o.Json = False) -> None:
    """Score and weigh the sources of a zoo for one task; several metrics are compared.

    Trains no source and no student, but for metrics that need a reference: that is the student,
    fine-tuned on the labels.
    """
    from distbench.cli.shown.progress import UnitProgress
    from distbench.cli.shown.rank_tables import comparison_text
    from distbench.workflows.rank import rank_sources

    methods = {"distiller": given["distiller"] or ("none",), "baseline": ("none",)}
    with UnitProgress() as progress:
        comparison = rank_sources(o.run_config(given, **methods), progress)
    first, *others = comparison.rankings
    if not others:
        comparison.only()
    echo(f"{first.task}: {comparison.read}", err=True)
    for note in comparison.notes:
        echo(f"note: {first.task}: {note}", err=True)
    for source, reason in first.marked.items():
        echo(f"warning: source {source} is kept, but {reason}", err=True)
    for text in (*_left_out(comparison), *_without_answer(comparison), *comparison.warnings):
        echo(f"warning: {text}", err=True)
    if json:
        tables = [_as_table(ranking) for ranking in comparison.rankings]
        agreement = [[None if t != t else t for t in row] for row in comparison.agreement()]
        o.print_json(
            {
                "task": first.task,
                "rankings": tables,
                "counted": list(comparison.counted),
                "mean_places": comparison.mean_places,
                "kendall_tau": agreement,
            }
            if others
            else tables[0]
        )
    elif others:
        echo(comparison_text(comparison))
    else:
        _print_ranking(first)
    if not json:
        echo(f"\n{first.task}: scored on {first.probe} labelled images.{_in_effect(comparison)}")
    if failed := [ranking.failed for ranking in comparison.rankings if ranking.failed]:
        for error in failed:
            echo_traceback(error)
        raise typer.Exit(1)


def _left_out(comparison: Comparison) -> list[str]:
    """Who is left out and why; where all metrics leave a source out, it is said once."""
    who: dict[tuple[str, str], list[str]] = {}
    for ranking in comparison.rankings:
        for source, reason in ranking.excluded.items():
            who.setdefault((source, reason), []).append(ranking.metric)
    everywhere = len(comparison.rankings)
    lines = [f"source {s} is left out: {r}" for (s, r), m in who.items() if len(m) == everywhere]
    several: dict[str, list[str]] = {}
    for (source, reason), metrics in who.items():
        if len(metrics) < everywhere:
            several.setdefault(reason, []).append(source)
    return lines + [f"{reason} (of {', '.join(names)})" for reason, names in several.items()]


def _without_answer(comparison: Comparison) -> list[str]:
    """Metrics that failed, and a strategy that declined, each reason once."""
    lines = {
        str(ranking.failed) if ranking.failed else f"{ranking.strategy} declines: {reason}": None
        for ranking in comparison.rankings
        if (reason := ranking.failed or ranking.declined)
    }
    return list(lines)


def _in_effect(comparison: Comparison) -> str:
    """How many sources the strategy's weights leave in effect, under each metric."""
    from distbench.workflows.flat_scale import in_effect

    weighed = [ranking for ranking in comparison.rankings if ranking.sources]
    if not weighed:
        return ""
    counts = [
        f"{ranking.metric + ' ' if len(comparison.rankings) > 1 else ''}"
        f"{in_effect(ranking.weights):.1f} of {len(ranking.sources)}"
        for ranking in weighed
    ]
    return (
        f"\nSources in effect with {weighed[0].strategy}, 1 / sum of squared weights: "
        f"{', '.join(counts)}."
    )


def _as_table(ranking: Ranking) -> dict[str, Any]:
    from distbench.workflows.flat_scale import in_effect

    places = ranking.places
    return {
        "task": ranking.task,
        "metric": ranking.metric,
        "strategy": ranking.strategy,
        "probe": ranking.probe,
        "sources_in_effect": in_effect(ranking.weights) if ranking.sources else None,
        "sources": [
            {
                "name": r.source.name,
                "place": places[r.source.name],
                "score": r.score,
                "weight": r.weight,
                "domain": r.source.domain,
                "trained_on": list(r.source.trained_on),
                "architecture": r.source.architecture,
                "licence": r.source.licence,
            }
            for r in ranking.sources
        ],
        "excluded": ranking.excluded,
        "failed": None if ranking.failed is None else str(ranking.failed),
        "marked": ranking.marked,
    }


def _print_ranking(ranking: Ranking) -> None:
    rows = [
        [place, r.source.name, r.score, r.weight, r.source.architecture, r.source.domain]
        for place, r in enumerate(ranking.sources, 1)
    ]
    headers = ["", "source", ranking.metric, f"weight ({ranking.strategy})", "architecture"]
    echo(table(rows, [*headers, "domain"], floatfmt=".4f"))
