"""Several zoos as one: names, embeddings that are shared, plugins that are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import UsageError
from distbench.planning.config import RunConfig
from distbench.planning.planner import make_plan
from distbench.plugins.component_identity import Identified
from distbench.plugins.registry import registry

SECOND = '''


class Renamed(ToyZoo):
    """The toy zoo under other names."""

    def sources(self):
        sources = super().sources()
        for source in sources:
            source.info = source.info.model_copy(update={"name": "other-" + source.info.name})
        return sources
'''


@pytest.fixture
def second(tmp_path: Path, toy_options: dict[str, Any]) -> Path:
    """A plugin file with another zoo."""
    (toys,) = toy_options["plugin"]
    path = tmp_path / "second.py"
    path.write_text(Path(toys).read_text(encoding="utf-8") + SECOND, encoding="utf-8")
    return path


def test_zoos_are_one_with_the_sources_of_all(toy_options: dict[str, Any], second: Path) -> None:
    options = {**toy_options, "plugin": (second,), "task": "toy_task", "overlap": "allow"}
    alone = distbench.run(**options, baseline="none", distiller="pseudo_labels", strategy="equal")
    both = distbench.run(
        **{**options, "zoo": ["toy_zoo", "renamed"]},
        baseline="none",
        distiller="pseudo_labels",
        strategy="equal",
    )
    (one,), (two,) = alone.rows, both.rows
    assert one.result is not None and two.result is not None, two.reason
    own = set(one.result.sources.weights)
    assert set(two.result.sources.weights) == own | {f"other-{name}" for name in own}


def test_a_file_and_three_zoos(toy_options: dict[str, Any], tmp_path: Path) -> None:
    config = RunConfig.make(zoo=("a", "b", "c"))
    assert config.zoo == {
        "use": "joined",
        "one": "a",
        "other": {"use": "joined", "one": "b", "other": "c"},
    }
    assert RunConfig.make(zoo=("a",)).zoo == "a"
    (tmp_path / "run.toml").write_text('zoo = ["mini", "local:path=own"]\n', encoding="utf-8")
    assert RunConfig.make(tmp_path / "run.toml").zoo == {
        "use": "joined",
        "one": "mini",
        "other": "local:path=own",
    }


def test_sources_of_one_name_are_refused(toy_options: dict[str, Any]) -> None:
    options = {**toy_options, "zoo": ["toy_zoo", "toy_zoo"]}
    with pytest.raises(UsageError, match="both have a source 'toy-0'; give it another name"):
        make_plan(RunConfig.make(**options))


def test_embeddings_of_a_built_in_zoo_are_the_same_within(toy_options: dict[str, Any]) -> None:
    names = registry(tuple(map(Path, toy_options["plugin"])))
    table = {"use": "joined", "one": "mini", "other": "mini"}
    zoo: Any = names.make("zoo", table)
    assert Identified.of(names, "zoo", zoo).provenance == {}
    mixed: Any = names.make("zoo", {**table, "other": "toy_zoo"})
    found = Identified.of(names, "zoo", mixed).provenance
    assert set(found) == {"other"}, "an edited plugin is not served what it computed before"
    toy: Any = names.make("zoo", "toy_zoo")
    assert found["other"] == Identified.of(names, "zoo", toy).provenance
