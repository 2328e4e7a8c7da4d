"""The reference pages are what the code says, nothing is undocumented, and the site builds."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    sys.path.append(str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / "docs" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_say_what_the_code_says(reference: ModuleType) -> None:
    made = reference.pages()
    assert reference.undocumented == []
    folder = ROOT / "docs" / "reference"
    assert {file.name for file in folder.iterdir()} == set(made)
    old = [name for name, text in made.items() if (folder / name).read_text() != text]
    assert old == [], "write them again: python docs/reference.py"


def test_what_has_no_description_is_found(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distbench.interfaces.suite import Tuning
    from distbench.plugins import hookspecs

    monkeypatch.setattr(hookspecs, "distbench_somethings", dict, raising=False)
    monkeypatch.setattr(Tuning.model_fields["seeds"], "description", None)
    reference.pages()
    assert reference.undocumented == ["hook distbench_somethings", "key 'seeds' of Tuning"]


def test_docstrings_become_markdown(reference: ModuleType) -> None:
    said = reference.markdown(
        """What it is: ``x``.

        Formula::

            a
              b

        Args:
            one: The first,
                on two lines.
            two: The second.

        Raises:
            UsageError: Always.
        """
    )
    assert said.splitlines() == [
        "What it is: `x`.",
        "",
        "Formula:",
        "",
        "```text",
        "a",
        "  b",
        "```",
        "",
        "**Args**",
        "",
        "- `one`: The first,",
        "  on two lines.",
        "- `two`: The second.",
        "",
        "**Raises**",
        "",
        "- `UsageError`: Always.",
    ]


def test_defaults_in_help_are_shown(reference: ModuleType) -> None:
    """Square brackets are markup in help texts unless they are escaped."""
    from typer.main import get_command

    from distbench.cli import app

    swallowed = [
        f"{name} {p.name}"
        for name, command in reference._commands(get_command(app), "distbench")
        for p in command.params
        if re.search(r"(?<!\\)\[default", getattr(p, "help", None) or "")
    ]
    assert swallowed == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo", reason="the site needs the extra docs")
    pytest.importorskip("myst_parser", reason="the site needs the extra docs")
    import subprocess

    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    built = subprocess.run(
        [*command, str(ROOT / "docs"), str(tmp_path / "site"), "-d", str(tmp_path / "trees")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "DistillWeighted" in (tmp_path / "site" / "reference" / "strategies.html").read_text()
