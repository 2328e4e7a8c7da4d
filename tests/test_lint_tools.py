"""What a commit is checked by is what `make lint` checks by."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_hooks_have_the_versions_of_the_development_tools():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    pins = {pin for hook in hooks for pin in hook.get("additional_dependencies", ())}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert pins <= set(project["optional-dependencies"]["dev"])
    assert {pin.partition("==")[0] for pin in pins} == {"ruff", "oxlint", "oxfmt"}
