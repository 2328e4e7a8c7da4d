"""Values written as TOML come back as they were."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from distbench import parse_toml, toml_value


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


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000 + "]" * 100_000,
        "a = " + "{b=" * 50_000 + "1" + "}" * 50_000,
        ".".join(["a"] * 20_000) + " = 1",
        "[" + " . ".join(['"a"'] * 500) + "]",
    ],
)
def test_what_is_nested_too_deeply_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|a hundred dots"):
        parse_toml(text.encode())


def test_dots_elsewhere_do_no_harm() -> None:
    values = ", ".join(["1.5"] * 500)
    assert len(parse_toml(f"a = [{values}]".encode())["a"]) == 500
    assert parse_toml(b'a = "' + b"x" * 1_000_000 + b'"')
