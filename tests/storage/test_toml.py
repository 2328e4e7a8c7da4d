"""Values written as TOML come back as they were."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from distbench import toml_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (math.inf, "inf"),
        ('a "b" \\ c\n', '"a \\"b\\" \\\\ c\\n"'),
        ("\x7f", '"\\u007f"'),
        ((1, "x"), '[1, "x"]'),
        ({}, "{}"),
        ({"lr": 0.5, "a.b": [1]}, '{ lr = 0.5, "a.b" = [1] }'),
    ],
)
def test_values_are_written_so_that_they_come_back(value: Any, text: str) -> None:
    assert toml_value(value) == text
    again = tomllib.loads(f"x = {text}")["x"]
    assert again == (list(value) if isinstance(value, tuple) else value)
