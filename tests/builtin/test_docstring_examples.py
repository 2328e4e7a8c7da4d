"""The examples in the docstrings of metrics and strategies give what they show."""

from __future__ import annotations

import doctest
import sys

import pytest

import distbench
from distbench.plugins.registry import registry

NO_ARRAYS = {"ncti", "plasticity", "zero_shot"}
"""Metrics without a value for one source's arrays."""


@pytest.mark.parametrize("name", sorted({*registry().names("metric")} - NO_ARRAYS))
def test_metrics_score_as_shown(name: str) -> None:
    assert examples_of("metric", name) > 0


@pytest.mark.parametrize("name", sorted(registry().names("strategy")))
def test_strategies_weigh_as_shown(name: str) -> None:
    examples_of("strategy", name)


def examples_of(kind: str, name: str) -> int:
    """Runs the examples of a component; how many there are."""
    cls = registry().load(kind, name)
    names = {"distbench": distbench, **vars(sys.modules[cls.__module__])}
    (test,) = doctest.DocTestFinder(recurse=False, exclude_empty=False).find(cls, globs=names)
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(test).failed == 0
    return len(test.examples)
