"""`distbench schema`: examples and suites fit their schema; what readers refuse does not."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from typer.testing import CliRunner

from distbench.cli import app
from distbench.errors import UsageError
from distbench.interfaces.suite import SuiteDefinition
from distbench.planning.config import RunConfig
from distbench.plugins.registry import registry
from distbench.storage.row_lines import sealed_line
from distbench.workflows.schemas import SCHEMA_KINDS, schema_of
from distbench_builtin.shared.sources.zoo_manifest import ManifestFile
from distbench_builtin.shared.zoo_building.recipes import RECIPES
from distbench_builtin.shared.zoo_building.settings import Recipe

ROOT = Path(__file__).resolve().parents[2]
SUITES = [
    *sorted((ROOT / "plugins/distbench_builtin/suites").glob("*.toml")),
    *sorted((ROOT / "docs/suites").glob("*.toml")),
    ROOT / "core/distbench/testing/miniature.toml",
]
MODEL = {"name": "a", "format": "timm", "file": "a.safetensors", "num_classes": 3}


def faults(kind: str, value: Any) -> list[str]:
    """What a validator of the draft says; values as JSON has them."""
    validator = Draft202012Validator(schema_of(kind, registry()))
    return [error.message for error in validator.iter_errors(json.loads(json.dumps(value)))]


def test_every_kind_has_a_schema_of_the_draft() -> None:
    for kind in SCHEMA_KINDS:
        done = CliRunner().invoke(app, ["schema", kind])
        assert done.exit_code == 0, done.output
        schema = json.loads(done.stdout)
        assert schema["$schema"].endswith("/draft/2020-12/schema"), kind
        Draft202012Validator.check_schema(schema)
    done = CliRunner().invoke(app, ["schema", "suit"])
    assert done.exit_code == 2 and "suite" in done.output


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_suites_fit(path: Path) -> None:
    assert faults("suite", tomllib.loads(path.read_text())) == []


def test_the_index_of_plugins_and_published_recipes_fit() -> None:
    assert faults("plugins", tomllib.loads((ROOT / "registry/plugins.toml").read_text())) == []
    for name, recipe in RECIPES.items():
        assert faults("recipe", recipe) == [], name
    assert faults("run", tomllib.loads((ROOT / "docs/results/scales.toml").read_text())) == []


def test_toml_on_pages_fits_what_it_shows() -> None:
    """Each block is a file of some kind, or part of a suite or of the index of plugins."""
    shown = dict.fromkeys(SCHEMA_KINDS, 0)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for text in re.findall(r"```toml\n(.*?)```", page.read_text(), flags=re.S):
            table = tomllib.loads(text)
            if "project" in table or "tool" in table:
                continue  # a pyproject.toml
            part = {"name": "part", "version": 1, "student": "mini", **table}
            kinds = {kind: faults(kind, table) for kind in ("run", "zoo", "recipe")}
            kinds["plugins"] = faults("plugins", {"schema": 1, **table})
            kinds = {"suite": faults("suite", part), **kinds, "ranges": faults("ranges", table)}
            fitting = [kind for kind, wrong in kinds.items() if not wrong]
            assert fitting, f"{page.name}: {text}\n{kinds}"
            shown[fitting[0]] += 1
    assert (
        min(shown[kind] for kind in ("suite", "run", "zoo", "recipe", "ranges", "plugins")) >= 1
    ), shown


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("run", {"task": "mini-cub", "zoo": ["mini", "local:path=z"]}, RunConfig),
        ("run", {"task": ["a", {"use": "folder", "path": "x"}], "plugin": "p.py"}, RunConfig),
        ("zoo", {"name": "z", "models": [{**MODEL, "architecture": "resnet18"}]}, None),
        ("recipe", {"architecture": "resnet18", "data": "birds=folder:path=b"}, Recipe),
    ],
)
def test_one_or_several_fit_as_the_readers_take_them(kind: str, value: Any, read: Any) -> None:
    assert faults(kind, value) == []
    if read is not None:
        read.model_validate(value)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("run", {"sede": 1}, RunConfig),
        ("run", {"seeds": 0}, RunConfig),
        ("suite", {"name": "s", "version": 1, "student": "mini", "taks": []}, SuiteDefinition),
        ("suite", {"name": "s", "version": 0, "student": "mini"}, SuiteDefinition),
        ("suite", {"name": "s", "version": 1}, SuiteDefinition),
        ("zoo", {"name": "z", "models": []}, ManifestFile),
        ("zoo", {"name": "z", "models": [{**MODEL, "architecture": "r", "x": 1}]}, ManifestFile),
        ("recipe", {"architecture": "resnet18", "stepps": 3}, Recipe),
    ],
)
def test_what_readers_refuse_does_not_fit(kind: str, value: Any, read: Any) -> None:
    assert faults(kind, value)
    with pytest.raises(ValidationError):
        read.model_validate(value)


def test_rows_fit(toy_options: dict[str, Any]) -> None:
    import distbench

    result = distbench.run(**{**toy_options, "distiller": ("none",), "baseline": ("finetune",)})
    for row in result.rows:
        assert faults("row", row.model_dump(mode="json")) == []
        assert faults("row", json.loads(sealed_line(row)))  # the seal is none of the row


def test_editors_find_the_schema_that_a_suite_names() -> None:
    path = ROOT / "docs/suites/real.toml"
    line = path.read_text().splitlines()[0]
    assert line.startswith("#:schema ./")
    schema = json.loads((path.parent / line.removeprefix("#:schema ")).read_text())
    assert schema == schema_of("suite", registry())
    assert SuiteDefinition.from_toml(path).name == "real"


def test_a_zoo_that_reads_no_file_says_so() -> None:
    from distbench.workflows.schemas import _of_zoo

    with pytest.raises(UsageError, match="does not say what its file holds"):
        _of_zoo(registry(), "mini")
