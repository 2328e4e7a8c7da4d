"""From scores to weights, and what a strategy does without what it reads."""

from __future__ import annotations

from typing import Any

import pytest

from distbench import Declined, PluginError, Strategy
from distbench.engine.stages.score import Scores
from distbench.engine.stages.weigh import weigh
from distbench.testing.miniature import facts


class ByLabels(Strategy):
    """Reads its context without asking whether there is one."""

    def weigh(self, scores: Any, sources: Any, context: Any = None) -> Any:
        return scores / scores.sum() if len(context.labelled) else scores


class Broken(Strategy):
    """Has a fault of its own."""

    def weigh(self, scores: Any, sources: Any, context: Any = None) -> Any:
        return scores.no_such_thing


def test_who_reads_a_context_that_is_not_there_declines() -> None:
    scores = Scores(values={"source-0": 1.0}, excluded={})
    with pytest.raises(Declined, match=r"reads context\.labelled, and there is no context"):
        weigh(ByLabels(), [facts()], scores)
    with pytest.raises(PluginError, match=r"weigh: AttributeError: .*no_such_thing"):
        weigh(Broken(), [facts()], scores)
