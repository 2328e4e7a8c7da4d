"""What the documentation shows works: its plugins load and run, its files are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.plugins import registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[Any]:
    found = []
    for page in PAGES:
        for number, text in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.S)
        ):
            found.append(pytest.param(text, id=f"{page.stem}-{number}"))
    return found


@pytest.mark.parametrize("text", [b for b in blocks("python") if "class " in b.values[0]])
def test_components_on_a_page_run(text: str, toy_options: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "shown.py"
    file.write_text(re.sub(r"@hookimpl\ndef .*?\n\n|@hookimpl\ndef .*", "", text, flags=re.S))
    plugin = (*toy_options["plugin"], file)
    options: dict[str, Any] = {**toy_options, "plugin": plugin, "task": ("toy_task",)}
    offers = next(p for p in registry(plugin).plugins if p.origin.plugin == str(file)).offers
    assert offers
    for kind, names in offers.items():
        options[kind] = tuple(names)
    made = distbench.run(**options)
    assert [row.reason for row in made.rows if row.status != "done"] == []
    used = {p["name"] for row in made.rows for p in row.method.components.values()}
    assert used >= {name for names in offers.values() for name in names}


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_on_a_page_is_toml(text: str) -> None:
    assert tomllib.loads(text)


def test_every_command_on_a_page_exists() -> None:
    from typer.main import get_command

    from distbench.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for page in PAGES:
        shown = "\n".join(re.findall(r"```console\n(.*?)```", page.read_text(), flags=re.S))
        for line in re.findall(r"^(?:\S*/)?distbench +(.+)$", shown, flags=re.M):
            words = line.split()
            command = commands[words[0]]
            known = {o for p in getattr(command, "params", []) for o in p.opts + p.secondary_opts}
            for word in words[1:]:
                if word.startswith("--") and words[0] != "zoo":
                    assert word in known, f"{page.name}: {line}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_every_name_is_listed_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for kind in ("metric", "strategy", "distiller", "baseline", "zoo", "student", "executor"):
        for name in registry().names(kind):
            assert f"`{name}" in text, f"{kind} {name}"
