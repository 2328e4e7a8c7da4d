"""What the methods, suites and files of a leaderboard are, as far as this installation knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from distbench.errors import DistbenchError
from distbench.leaderboard.analysis.reports import BoardReport
from distbench.leaderboard.page.about import About, ComponentFacts
from distbench.leaderboard.rows.origins import Collected, RowOrigin
from distbench.plugins.registry import Registry, registry
from distbench.workflows.about.commands import remakes
from distbench.workflows.about.components import component_facts, paragraph


def about(collected: Collected, reports: Sequence[BoardReport]) -> About:
    """All that can be said; what is not installed, or of another version, is left out."""
    names = registry()
    used = {
        (kind, str(table.get("name", "")))
        for report in reports
        for row in report.rows
        for kind, table in _components(row.method.components)
    }
    return About(
        components=_facts(names, used),
        suites=_suites(names, {(r.board.suite, r.board.suite_version) for r in reports}),
        remakes={
            (report.label, method): remake
            for report in reports
            for method, remake in remakes(report, names)
        },
        dates={
            origin.path: day for origin in collected.origins if (day := _day(origin)) is not None
        },
    )


def _components(components: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((kind, table) for kind, table in components.items() if isinstance(table, Mapping))


def _facts(
    names: Registry, used: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], ComponentFacts]:
    known = {}
    for kind, name in sorted(used):
        try:
            known[kind, name] = component_facts(names, kind, name)
        except DistbenchError:
            continue  # not installed here, or broken
    return known


def _suites(names: Registry, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    known = {}
    for name, version in wanted:
        try:
            suite = names.make("suite", name)
            if suite.definition().version == version:
                known[name, version] = paragraph(suite.summary())
        except DistbenchError:
            continue
    return known


def _day(origin: RowOrigin) -> str | None:
    """When the rows of a run were written; what a bundle says of that, it says itself."""
    if origin.kind != "run":
        return None
    try:
        written = (Path(origin.path) / "rows.jsonl").stat().st_mtime
    except OSError:
        return None
    return date.fromtimestamp(written).isoformat()
