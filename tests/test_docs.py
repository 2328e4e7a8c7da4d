"""What the documentation shows works: its plugins load and run, its files are read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench.plugins.registry import registry
from distbench.testing.run import cases_of

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


@pytest.mark.parametrize(
    "text", [b for b in blocks("python") if re.search(r"^class ", b.values[0], re.M)]
)
@pytest.mark.slow
def test_components_on_a_page_run(text: str, toy_options: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "shown.py"
    file.write_text(re.sub(r"@hookimpl\ndef .*?\n\n|@hookimpl\ndef .*", "", text, flags=re.S))
    plugin = (*toy_options["plugin"], file)
    options: dict[str, Any] = {**toy_options, "plugin": plugin, "task": ("toy_task",)}
    offers = next(p for p in registry(plugin).plugins if p.origin.plugin == str(file)).offers
    assert offers
    for kind, names in offers.items():
        classes = {name: registry(plugin).load(kind, name) for name in names}
        options[kind] = tuple(e for n, cls in classes.items() for e in cls.examples or (n,))
    made = distbench.run(**options)
    assert [row.reason for row in made.rows if row.status != "done"] == []
    assert not [warning for warning in made.warnings if warning.startswith("reporter")]
    used = {p["name"] for row in made.rows for p in row.method.components.values()}
    used |= set(offers.get("reporter", ()))
    assert used >= {name for names in offers.values() for name in names}


@pytest.mark.parametrize(
    "text", [b for b in blocks("python") if re.search(r"^class ", b.values[0], re.M)]
)
def test_components_on_a_page_say_what_they_are(text: str, tmp_path: Path) -> None:
    """As `distbench check` asks it of everybody, those checks that train nothing."""
    file = tmp_path / "shown.py"
    file.write_text(re.sub(r"@hookimpl\ndef .*?\n\n|@hookimpl\ndef .*", "", text, flags=re.S))
    wanted = {"docstring", "source", "imports", "made", "parameters", "identity"}
    verdicts = [case.run() for case in cases_of(str(file)) if case.check in wanted]
    assert verdicts
    assert [(v.component, v.check, v.note) for v in verdicts if v.result == "failed"] == []


def test_recipes_are_short() -> None:
    recipes = [b for b in blocks("python") if str(b.id).startswith("cookbook")]
    assert len(recipes) == 10
    assert max(len(recipe.values[0].splitlines()) for recipe in recipes) <= 60


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_on_a_page_is_toml(text: str) -> None:
    assert tomllib.loads(text)


def test_the_map_names_files_that_are_there() -> None:
    """docs/design.md and CONTRIBUTING.md say where things lie; both halves of the house."""
    houses = (ROOT / "core/distbench", ROOT / "plugins/distbench_builtin", ROOT)
    design = (ROOT / "docs/design.md").read_text()
    named = re.findall(r"(?<![\w/.])[a-z_]+/[\w/]*(?:\.py|/)(?!\w)", design)
    tables = re.findall(r"^\| ([^|]+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    named += re.findall(r"`([a-z_]+(?:/|\.py))`", " ".join(tables))
    assert len(named) > 60
    missing = [name for name in named if not any((house / name).exists() for house in houses)]
    assert missing == []
    packages = {file.parent.name for house in houses[:2] for file in house.glob("*/__init__.py")}
    assert not packages - {name.rstrip("/") for name in named}


def steps(page: Path) -> list[tuple[str, str]]:
    """What a page has one do, in order: ("run", command) and ("write FILE", text)."""
    blocks = r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```"
    found = []
    for file, language, text in re.findall(blocks, page.read_text(), flags=re.S):
        if file:
            found.append((f"write {file}", text))
        elif language == "console":
            found += [("run", line) for line in text.replace("\\\n", " ").splitlines() if line]
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("mini_home")
def test_the_tutorial_leads_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are written and its commands run, in an environment that sees our packages."""
    monkeypatch.delenv("DISTBENCH_PLUGINS")
    venv.create(tmp_path / "env", with_pip=False)
    binaries = tmp_path / "env" / "bin"
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    ours = sysconfig.get_paths()["purelib"]
    (site / "parent.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    python = binaries / "python"
    pip = f"{sys.executable} -m pip --python {python}"
    for name, command in (
        ("distbench", f"{python} -m distbench"),
        ("pytest", f"{python} -m pytest -p no:cacheprovider"),
        ("pip", f"PIP_NO_BUILD_ISOLATION=0 PIP_NO_DEPS=1 PIP_NO_INDEX=1 {pip}"),
    ):
        (binaries / name).write_text(f'#!/bin/sh\nexec env {command} "$@"\n')
        (binaries / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")
    folder, told = Path(), {}
    for what, text in steps(ROOT / "docs" / "tutorial.md"):
        if what != "run":
            target = folder / what.removeprefix("write ")
            assert target.is_file(), f"{target} is not there to be replaced"
            target.write_text(text)
        elif text.startswith("cd "):
            folder /= text.removeprefix("cd ")
        else:
            done = subprocess.run(text, shell=True, cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            told[text.split(maxsplit=2)[1] if "distbench" in text else text] = done.stdout
    assert "0 failed" not in told["check"] and "failed" not in told["check"]
    assert "my_spread" in told["rank"] and "my_spread" in told["run"]
    assert "tests/test_my_spread.py" in told["pytest"] or "passed" in told["pytest"]
    assert list((folder / "dist").glob("distbench_my_spread-0.1.0-*.whl"))


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


def test_every_promise_is_held_by_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    promises = re.findall(r"^\| [\w`-].* \|$", page.split("## What is not")[0], flags=re.M)[2:]
    assert len(promises) > 10
    for promise in promises:
        tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promise)
        assert tests, promise
        for file, name in tests:
            assert f"def {name or 'test_'}" in (ROOT / file).read_text(), (file, name)


def test_every_name_is_listed_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    kinds = ("metric", "strategy", "distiller", "baseline", "zoo", "student", "executor", "measure")
    for kind in kinds:
        for name in registry().names(kind):
            assert f"`{name}" in text, f"{kind} {name}"
