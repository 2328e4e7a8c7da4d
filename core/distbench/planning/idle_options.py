"""Options that a person types and no method of the run would look at."""

from __future__ import annotations

from collections.abc import Collection

from distbench.errors import UsageError
from distbench.planning.config import RunConfig
from distbench.planning.resolve import ResolvedRun

_USER = {"metric": "strategy that weighs by scores", "strategy": "distiller of weighted sources"}


def refuse_idle(config: RunConfig, typed: Collection[str]) -> None:
    """Refuses what would be dropped without a word.

    Args:
        config: What to run.
        typed: Options of the command line itself; what a file or a default says may be idle.

    Raises:
        UsageError: ``none`` stands beside something, or no method has a metric or a strategy.
    """
    for kind in ("distiller", "baseline"):
        values = getattr(config, kind)
        if kind in typed and "none" in values and len(values) > 1:
            raise UsageError(f"--{kind} none says that there is none; leave it or the others out")
    idle = [kind for kind in _USER if kind in typed]
    if not idle:
        return
    methods = ResolvedRun(config).methods
    for kind in idle:
        if not any(kind in method.parts for method in methods):
            raise UsageError(
                f"--{kind} counts for nothing in this run, which has no {_USER[kind]}; leave it "
                "out, or name one"
            )
