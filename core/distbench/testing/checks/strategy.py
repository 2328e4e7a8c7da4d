"""Checks of strategies, on made-up scores; those that decline without a context get one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distbench.engine.stages.weigh import declined_without
from distbench.errors import Declined
from distbench.interfaces.context import Context
from distbench.interfaces.zoo import SourceInfo
from distbench.testing.calls import fault_if_raises, frozen, unseeded
from distbench.testing.check import check
from distbench.testing.faults import Fault, NotChecked
from distbench.testing.harness import miniature_context
from distbench.testing.miniature import facts
from distbench.testing.subject import Subject

Vector = NDArray[np.float64]

_SCORES = {
    "plain scores": [3.0, 1.0, 5.0, 4.0, 2.0],
    "one source": [-7.5],
    "equal scores": [0.3, 0.3, 0.3],
    "negative scores": [-3.0, -10.0, -0.5],
    "scores that all but agree": [1.0, 1.0 + 1e-15, 1.0 - 1e-15],
    "huge scores": [1e300, -1e300, 0.0],
    "tiny scores": [1e-300, 3e-300, 2e-300],
    "many sources": list(np.sin(np.arange(300))),
}


def _sources(count: int) -> list[SourceInfo]:
    domains = ("natural", "birds", "land")
    names = ("first", "second", "third")  # as in the miniature's zoo
    return [
        facts(
            name=names[i] if i < len(names) else f"source-{i}",
            fingerprint=str(i),
            domain=domains[i % 3],
            macs=1_000_000 * (i + 1),
            parameters=1_000_000 * (i + 1),
        )
        for i in range(count)
    ]


def _weigh(
    subject: Subject,
    scores: Any,
    sources: list[SourceInfo],
    what: str,
    context: Context | None = None,
) -> Vector:
    """Weights, checked.

    Raises:
        Declined: The strategy does not apply.
    """
    given = frozen(np.asarray(scores, dtype=np.float64))
    if not subject.make().needs_scores:
        given = frozen(np.zeros(len(given)))
    remedy = "it gets finite, read-only scores"
    with fault_if_raises(f"weighing {what}", remedy), declined_without(context):
        weights = np.asarray(subject.make().weigh(given, sources, context), dtype=np.float64)
    if weights.shape != given.shape:
        raise Fault(
            f"{what}: weights of shape {weights.shape} for {len(given)} sources",
            "give one for each",
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise Fault(f"{what}: a weight is {weights.min():g}", "weights are finite and >= 0")
    if abs(weights.sum() - 1) > 1e-6:
        raise Fault(f"{what}: weights sum to {weights.sum():g}", "divide them by their sum")
    return weights


def _weigh_or_skip(subject: Subject, scores: Any, sources: list[SourceInfo], what: str) -> Vector:
    """The same where nothing can be said of a strategy that declines, with a context too."""
    try:
        return _weigh(subject, scores, sources, what)
    except Declined:
        pass
    try:
        with miniature_context(subject) as (context, theirs):
            order = {source.name: source for source in theirs}
            known = [order[s.name] for s in sources if s.name in order]
            kept = [score for score, s in zip(scores, sources, strict=True) if s.name in order]
            return _weigh(subject, kept, known, f"{what}, with a context", context)
    except Declined as declined:
        raise NotChecked(f"it declines here: {declined.reason}") from None


@check("strategy")
def weights(subject: Subject) -> None:
    """Weights are finite, >= 0 and sum to 1, whatever the scores; or it declines with a reason."""
    declined = 0
    for what, scores in _SCORES.items():
        try:
            _weigh(subject, scores, _sources(len(scores)), what)
        except Declined as error:
            declined += 1
            if not error.reason.strip():
                raise Fault(f"{what}: declined without a reason", "say why") from None
    if declined == len(_SCORES):
        _weigh_or_skip(subject, _SCORES["plain scores"], _sources(5), "plain scores")


@check("strategy")
def determinism(subject: Subject) -> None:
    """The same scores have the same weights, bit for bit."""
    scores = _SCORES["plain scores"]
    one, other = unseeded(
        lambda: _weigh_or_skip(subject, scores, _sources(5), "plain scores"),
        what="weighing",
        instead='numpy.random.default_rng(context.seed_for("..."))',
    )
    if (one != other).any():
        raise Fault(
            f"the same scores are weighed {one} and then {other}",
            'draw from numpy.random.default_rng(context.seed_for("..."))',
        )


@check("strategy")
def order_invariance(subject: Subject) -> None:
    """The order of the sources does not matter."""
    scores, sources = np.array(_SCORES["plain scores"]), _sources(5)
    wanted = _weigh_or_skip(subject, scores, sources, "plain scores")
    order = np.array([2, 0, 4, 1, 3])
    turned = _weigh_or_skip(subject, scores[order], [sources[i] for i in order], "another order")
    order = order[order < len(wanted)]  # with a context there are the miniature's sources alone
    if not np.allclose(turned, wanted[order], rtol=1e-9, atol=1e-12):
        raise Fault(
            f"sources in another order get other weights: {turned} instead of {wanted[order]}",
            "compute nothing from positions",
        )


@check("strategy")
def direction(subject: Subject) -> None:
    """A source with a higher score has no less weight."""
    if not subject.make().needs_scores:
        raise NotChecked("it reads no scores")
    if subject.cls.role == "control":
        raise NotChecked("a control need not favour higher scores")
    for what in ("plain scores", "negative scores", "many sources"):
        scores = np.array(_SCORES[what])
        weights = _weigh_or_skip(subject, scores, _sources(len(scores)), what)
        weights = weights[np.argsort(scores[: len(weights)])]  # with a context of fewer sources
        if (np.diff(weights) < -1e-12).any():
            raise Fault(
                f"{what}: a source with a higher score gets less weight",
                "higher scores mean better sources; decline this check where that is intended",
            )
