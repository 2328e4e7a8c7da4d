"""Suggestions of students: those of one plugin that cannot be read take no other's away."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app

PLUGIN = """
import distbench
class Odd(distbench.Student):
    "Suggests badly."
    def backbone(self, *, pretrained): ...
    def fingerprint(self): ...
    def normalisation(self): ...
    @classmethod
    def suggestions(cls):
        return {}
"""


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        ("3", "TypeError: Value after * must be an iterable, not int"),
        ("[3]", "Input should be a valid dictionary or instance of Suggested"),
        ("[{}]", "'value' is missing"),
        ("[{'value': 'a', 'parameters': 'x'}]", "parameters='x' will not do"),
        ("[{'value': 'a', 'note': 3}]", "note=3 will not do"),
        ("exit(0)", "SystemExit: 0"),
    ],
)
def test_suggestions_that_are_none(gives: str, message: str) -> None:
    Path("odd.py").write_text(PLUGIN.format(gives))
    done = CliRunner().invoke(app, ["list", "students", "--plugin", "odd.py"])
    assert done.exit_code == 0
    assert f"warning: plugin 'odd': suggestions: {message}" in done.stderr
    assert "timm:mobilenetv3_small_100" in done.stdout
