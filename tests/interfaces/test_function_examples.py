"""Every function that is offered to authors shows an example that gives what it shows."""

from __future__ import annotations

import doctest
import inspect
import sys

import pytest

import distbench

NEEDS_A_RUN = {"execute_unit", "train_phases", "decode_images"}
"""What the engine calls with a plan, phases or a task at hand; docs/design.md shows where."""


def functions() -> list[str]:
    return [name for name in distbench.__all__ if inspect.isfunction(getattr(distbench, name))]


@pytest.mark.parametrize("name", sorted({*functions()} - NEEDS_A_RUN))
def test_functions_give_what_they_show(name: str) -> None:
    function = inspect.unwrap(getattr(distbench, name))
    names = {"distbench": distbench, **vars(sys.modules[function.__module__])}
    (test,) = doctest.DocTestFinder(recurse=False, exclude_empty=False).find(
        function, name, globs=names
    )
    assert test.examples
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    assert runner.run(test).failed == 0
