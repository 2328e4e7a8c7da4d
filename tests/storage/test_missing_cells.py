"""What is missing of a plan, in a few words."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench.storage.missing_cells import missing_cells

CELLS = list(product(("m1", "m2", "m3"), ("d1", "d2"), (0, 1)))
PLANNED = {cell: f"{cell}" for cell in CELLS}


def without(*parts: str | int | tuple[str, str, int]) -> set[str]:
    """The keys of all cells but those of a method, task or seed, or single ones."""
    return {PLANNED[c] for c in CELLS if c not in parts and not {*c} & {*parts}}


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (without(), None),
        (without("d2"), "6 of 12 cells are missing: task d2"),
        (without("m1", "m3"), "8 of 12 cells are missing: methods m1, m3"),
        (without(1), "6 of 12 cells are missing: seed 1"),
        (without(("m2", "d1", 0)), "1 of 12 cells is missing: m2 on d1, seed 0"),
        (without("d1", "m2"), "8 of 12 cells are missing: task d1; method m2"),
        (without(1, ("m1", "d1", 0)), "7 of 12 cells are missing: seed 1; m1 on d1, seed 0"),
        (set(), "12 of 12 cells are missing"),
    ],
)
def test_whole_tasks_methods_and_seeds_are_named_as_such(keys: set[str], text: str | None) -> None:
    assert missing_cells(PLANNED, keys) == text


@given(st.sets(st.sampled_from(sorted(PLANNED.values()))))
def test_the_count_is_right_and_the_line_is_short(keys: set[str]) -> None:
    text = missing_cells(PLANNED, {*keys, "of another run"})
    gone = len(PLANNED) - len(keys)
    assert text is None if not gone else str(text).startswith(f"{gone} of 12 cells ")
    assert len(text or "") < 200
