"""A plan without methods and cells, by which images are read and embedded as in a run."""

from __future__ import annotations

from collections.abc import Iterable

from distbench.interfaces.zoo import SourceInfo
from distbench.planning.plan import Plan, PlannedTask
from distbench.planning.resolve import ResolvedRun
from distbench.plugins.component_identity import as_table, plugin_digests


def image_plan(
    run: ResolvedRun,
    name: str,
    tasks: Iterable[PlannedTask],
    *,
    sources: Iterable[SourceInfo] = (),
    encoders: Iterable[SourceInfo] = (),
) -> Plan:
    """A plan of a run's images.

    Args:
        run: The run whose suite, protocol, zoo and plugins it has.
        name: What the plan is for, e.g. ``"rank"``.
        tasks: Whose images are read.
        sources: Who sees them.
        encoders: By whose features they are retrieved.
    """
    return Plan(
        name=name,
        suite=run.suite.name,
        suite_version=run.suite.version,
        protocol=run.protocol,
        device=run.config.device,
        plugin_files=plugin_digests(run.config.plugin),
        skip_corrupt=run.config.skip_corrupt,
        zoo=as_table(run.zoo.component),
        zoo_provenance=run.zoo.provenance,
        sources=tuple(sources),
        encoders=tuple(encoders),
        tasks=tuple(tasks),
    )
