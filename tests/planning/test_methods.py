"""What the components of a method need, in whichever collection they say so."""

from __future__ import annotations

from typing import Any

import pytest

from distbench import Distiller, Metric
from distbench.planning.methods import method_needs


@pytest.mark.parametrize("kind", [tuple, list, set, frozenset])
def test_needs_in_any_collection(kind: Any) -> None:
    class Odd(Metric):
        needs = kind(("features", "source_info"))

        def score(self, probe: Any) -> float:
            return 0.0

    class Other(Distiller):
        needs = kind(("logits", "features"))

        def phases(self, context: Any) -> Any:
            return []

    assert method_needs([Odd(), Other()]) == ("features", "logits", "source_info")
