"""Values of a configuration that no system takes are refused before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from distbench.errors import UsageError
from distbench.planning.config import MOST_SECONDS, RunConfig


@pytest.mark.parametrize("seconds", [1e10, 1e18, float("inf"), MOST_SECONDS + 1])
def test_a_limit_of_time_is_one_that_a_timer_takes(seconds: float) -> None:
    with pytest.raises(UsageError, match=f"less than or equal to {MOST_SECONDS}"):
        RunConfig.make(timeout=seconds)
    assert RunConfig.make(timeout=MOST_SECONDS).timeout == MOST_SECONDS


@pytest.mark.parametrize(("name", "good"), [("a" * 120, True), ("a" * 121, False)])
def test_a_name_is_one_that_a_folder_can_have(name: str, good: bool) -> None:
    options: dict[str, Any] = {"name": name}
    if good:
        assert RunConfig.make(**options).name == name
        return
    with pytest.raises(UsageError, match="at most 120 characters"):
        RunConfig.make(**options)
