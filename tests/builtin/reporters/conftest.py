"""Short runs with reporters."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

import distbench
from distbench.workflows.run_result import RunResult

Run = Callable[..., RunResult]


@pytest.fixture
def run(toy_options: dict[str, Any]) -> Run:
    """Runs one baseline on one toy task with a reporter."""

    def go(reporter: str, **more: Any) -> RunResult:
        options = {
            **toy_options,
            "task": ("toy_task",),
            "distiller": "none",
            "baseline": "finetune",
            **more,
        }
        return distbench.run(**options, reporter=reporter)

    return go


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a package look as if it were not installed."""

    def hide(package: str) -> None:
        find = importlib.util.find_spec

        def found(name: str, *more: Any) -> Any:
            return None if name == package else find(name, *more)

        monkeypatch.setattr("distbench_builtin.reporters._cell_record.find_spec", found)

    return hide
