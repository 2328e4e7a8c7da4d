"""What the components of a method need, in whichever collection they say so."""

from __future__ import annotations

from typing import Any

import pytest

from distbench import Distiller, Metric
from distbench.planning.methods import is_untuned, method_needs
from distbench.plugins.registry import registry


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


@pytest.mark.parametrize(
    ("kind", "spec", "settings", "wanted"),
    [
        ("baseline", "fixmatch", {}, True),
        ("baseline", "fixmatch:mu=3", {}, True),
        ("baseline", "fixmatch:lr=0.03", {}, False),
        ("baseline", "fixmatch", {"fixmatch": {"lr": 0.02}}, False),
        ("baseline", "fixmatch", {"finetune": {"lr": 0.02}}, True),
        ("baseline", "linear_probe", {"baseline": {"linear_probe": {"lr": 0.1}}}, False),
        ("distiller", "pseudo_labels", {"weighted": {"power": 6}}, True),
        ("distiller", "task_oriented", {"task_oriented": {"teaching": "full"}}, True),
        ("distiller", "pseudo_labels", {"pseudo_labels": {"lr": 0.03}}, False),
    ],
)
def test_untuned_is_what_nobody_has_settings_for(
    kind: str, spec: str, settings: dict[str, Any], wanted: bool
) -> None:
    parts = {kind: registry().make(kind, spec)}
    assert is_untuned(parts, settings) is wanted
