"""The index of known plugins: its entries are sound, and it is in the package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.plugins.index import INDEX, known_plugins

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "registry" / "plugins.toml"
ENTRY = """
[[plugin]]
name = "mine"
distribution = "distbench-mine"
kinds = ["metric"]
summary = "A metric of mine."
licence = "MIT"
homepage = "https://example.org/mine"
"""


def test_the_index_is_sound_and_there_is_one_source_of_it() -> None:
    listed = known_plugins()
    assert listed[0].name == "builtin"
    assert INDEX.resolve() == SOURCE
    assert len(tomllib.loads(SOURCE.read_text())["plugin"]) == len(listed)


def test_what_is_built_in_is_what_the_index_says() -> None:
    from distbench.plugins.registry import registry

    (built_in,) = (p for p in registry().plugins if p.origin.builtin)
    (listed,) = (p for p in known_plugins() if p.name == built_in.origin.plugin)
    assert set(listed.kinds) >= set(built_in.offers)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kinds = ["metric"]', 'kinds = ["metrik"]', "there is no kind 'metrik'"),
        ('kinds = ["metric"]', "kinds = []", "at least 1 item"),
        ('homepage = "https://example.org/mine"', "", "a homepage is needed"),
        ("https://example.org/mine", "javascript:alert(1)", "homepage='javascript:alert(1)'"),
        ("A metric of mine.", "no", "summary='no' will not do"),
        ("A metric of mine.", "A metric\\nof mine.", "summary="),
        ('licence = "MIT"', "", "'plugin.0.licence' is missing"),
        ('licence = "MIT"', 'license = "MIT"', "plugin.0"),
        ('name = "mine"', 'name = "../mine"', "name='../mine' will not do"),
        ("schema = 1", "schema = 2", "schema=2 will not do"),
        (ENTRY, ENTRY + ENTRY, "name 'mine' stands twice"),
        (ENTRY, ENTRY + ENTRY.replace('"mine"', '"other"'), "distribution 'distbench-mine' stands"),
    ],
)
def test_an_unsound_entry_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text("schema = 1\n" + ENTRY)
    assert [p.name for p in known_plugins(file)] == ["mine"]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        known_plugins(file)
    assert message in str(caught.value)


def test_the_command_shows_it() -> None:
    done = CliRunner().invoke(app, ["plugins", "--known"])
    assert done.exit_code == 0
    assert "distbench-my-spread" in done.output
    assert "example" in done.output
    table = json.loads(CliRunner().invoke(app, ["plugins", "--known", "--json"]).output)
    assert table[0]["distribution"] == "distbench" and table[0]["installed"]
    assert table[1]["example"] is True and table[1]["installed"] is None


@pytest.mark.slow
@pytest.mark.parametrize("how", ["wheel", "wheel of an sdist"])
def test_it_is_in_a_wheel(how: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(ROOT / "registry", tree / "registry", symlinks=True)
    skip = shutil.ignore_patterns("__pycache__", "weights", "*.pyc")
    for folder in ("core", "plugins"):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=skip)
    if how != "wheel":
        code = "from setuptools.build_meta import build_sdist; build_sdist('..')"
        subprocess.run([sys.executable, "-c", code], cwd=tree, check=True, capture_output=True)
        (archive,) = tmp_path.glob("*.tar.gz")
        shutil.rmtree(tree)
        shutil.unpack_archive(archive, tmp_path, filter="data")
        (tree,) = tmp_path.glob("distbench-*/")
    code = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    subprocess.run([sys.executable, "-c", code], cwd=tree, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        assert held.read("distbench/plugins/known_plugins.toml") == SOURCE.read_bytes()
        names = set(held.namelist())
        entry_points = next(n for n in names if n.endswith("dist-info/entry_points.txt"))
        assert b"distbench = distbench.testing.pytest_plugin" in held.read(entry_points)
    assert "distbench/testing/miniature.toml" in names
    assert "distbench/plugins/scaffold/common/gitignore.tmpl" in names
    assert "distbench/plugins/scaffold/kinds/test_metric.py.tmpl" in names
    assert "distbench/plugins/scaffold/licences/BSD-3-Clause.tmpl" in names
