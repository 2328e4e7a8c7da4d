"""Whether a method is told that what it trains has been trained before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from distbench.engine.method_runner import Trainer
from distbench.plugins.registry import registry


@pytest.mark.parametrize(
    ("kind", "name", "weights", "wanted"),
    [
        ("baseline", "fixmatch", "0123abcd", True),
        ("baseline", "fixmatch", "random", False),
        ("baseline", "scratch", "0123abcd", False),
        ("distiller", "finetune_source", "random", True),
    ],
)
def test_pretrained(kind: Any, name: str, weights: str, wanted: bool) -> None:
    plan = SimpleNamespace(student_identity={"weights": weights})
    trainer = Trainer(cast(Any, SimpleNamespace(plan=plan)), cast(Any, None), seed=0)
    assert trainer._starts_pretrained(registry().make(kind, name)) is wanted
