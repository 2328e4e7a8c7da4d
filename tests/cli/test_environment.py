"""What the environment says and distbench cannot use is told, or brought to what it can."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.cli.process.environment import environment_notes, steady_width


@pytest.mark.parametrize(
    ("given", "width"),
    [
        ("0", "40"),
        ("1", "40"),
        ("-5", "40"),
        ("120", "120"),
        ("2147483648", "500"),
        ("9" * 21, "500"),
        ("9" * 5000, None),
        ("", None),
        ("²", None),
    ],
)
def test_a_width_that_can_be_read(
    given: str, width: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", given)
    steady_width()
    assert os.environ.get("COLUMNS") == width


def test_plugin_variables_of_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [*environment_notes()]
    monkeypatch.setenv("DISTBENCH_STRICT_PLUGINS", "yes")
    monkeypatch.setenv("DISTBENCH_PLUGINS", "nope, builtin")
    strict, unknown = environment_notes()
    assert strict == "DISTBENCH_STRICT_PLUGINS='yes' is of no account; give 1, or 0"
    assert unknown.startswith("DISTBENCH_PLUGINS names 'nope', and no such plugin is installed")
    done = CliRunner().invoke(app, ["list", "reporters"])
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [f"warning: {strict}", f"warning: {unknown}"]
