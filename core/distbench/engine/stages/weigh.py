"""Stage 4: from scores to weights, over the eligible sources only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from distbench.engine.global_state import unchanged
from distbench.engine.stages.score import Scores
from distbench.errors import Declined, PluginError
from distbench.interfaces.calls import naming
from distbench.interfaces.context import Context
from distbench.interfaces.read_only import read_only
from distbench.interfaces.strategy import Strategy
from distbench.interfaces.zoo import SourceInfo


def weigh(
    strategy: Strategy,
    sources: Sequence[SourceInfo],
    scores: Scores | None,
    context: Context | None = None,
) -> dict[str, float]:
    """Weight by source; every eligible source is there, those of weight 0 too.

    Args:
        strategy: The strategy.
        sources: Eligible sources.
        scores: Their scores; None for a strategy that needs none.
        context: What a strategy may look at besides.

    Raises:
        Declined: No source is left.
        PluginError: The strategy gave what are no weights.
    """
    if scores is not None:
        sources = [s for s in sources if s.name in scores.values]
    if not sources:
        reasons = sorted(set(scores.excluded.values())) if scores else []
        raise Declined(
            "no eligible source is left" + (f" ({'; '.join(reasons)})" if reasons else "")
        )
    values = np.array([scores.values[s.name] if scores else 0.0 for s in sources])
    with naming(strategy.name, "weigh"), unchanged(strategy.name), declined_without(context):
        given = strategy.weigh(read_only(values), [*sources], context)
        weights = np.asarray(given, dtype=np.float64)
    wrong = (
        f"shape {weights.shape} instead of ({len(sources)},)"
        if weights.shape != (len(sources),)
        else "a negative or non-finite weight"
        if not (np.isfinite(weights).all() and (weights >= 0).all())
        else f"weights that sum to {weights.sum():g}"
        if abs(weights.sum() - 1) > 1e-6
        else None
    )
    if wrong:
        raise PluginError(strategy.name, f"strategy gave {wrong}")
    return {s.name: float(w) for s, w in zip(sources, weights, strict=True)}


@contextmanager
def declined_without(context: Context | None) -> Iterator[None]:
    """Whoever reads a context that is not there declines by that.

    Raises:
        Declined: The context is None, and an attribute of None was asked for.
    """
    try:
        yield
    except AttributeError as error:
        if context is None and error.obj is None:
            raise Declined(f"it reads context.{error.name}, and there is no context") from error
        raise
