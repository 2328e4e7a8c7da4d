"""Sources that see a probe side by side: the same scores, news of each, and errors as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from distbench.engine import probe_workers
from distbench.errors import DistbenchError, WeightsError
from distbench.planning.config import RunConfig
from distbench.workflows.rank import rank_sources

TOYS = Path(__file__).parents[1] / "toys.py"

DAMAGED = """
import os

from toys import ToySource, ToyZoo


class Damaged(ToySource):
    def open(self, device):
        if "DIES_IN" in os.environ and str(os.getpid()) != os.environ["DIES_IN"]:
            os._exit(9)
        forward = super().open(device)
        if "DIES_IN" in os.environ:
            return forward
        return lambda images: (forward(images)[0][:, 1:], forward(images)[1])


class OneDamaged(ToyZoo):
    def sources(self):
        first, *_, last = super().sources()
        return [first, Damaged("toy-bad", 1, broken=False, seen=False), last]
"""


class Heard:
    """What is told while sources are ranked."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str, *counts: int, minor: bool = False, **more: Any) -> None:
        if not minor:
            self.lines.append(text)


def ranked(plugin: Path = TOYS, zoo: str = "toy_zoo", **more: Any) -> tuple[Any, list[str]]:
    config = RunConfig.make(
        plugin=(TOYS, plugin) if plugin != TOYS else (TOYS,),
        zoo=zoo,
        task=("toy_task",),
        metric=("knn", "logme"),
        strategy=("weighted",),
        baseline=("none",),
        **more,
    )
    heard = Heard()
    return {r.metric: r.scores for r in rank_sources(config, heard).rankings}, heard.lines


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A zoo whose second source is not what it says."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(TOYS.parent), os.environ.get("PYTHONPATH", "")])
    )
    monkeypatch.syspath_prepend(str(TOYS.parent))
    file = tmp_path / "damaged.py"
    file.write_text(DAMAGED, encoding="utf-8")
    return {"plugin": file, "zoo": "one_damaged"}


def test_workers_give_the_scores_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, told = ranked()
    assert told == [
        "reading 54 images of toy_task",
        "embedding the probe of toy_task with 3 sources",
    ]
    monkeypatch.setenv("DISTBENCH_HOME", str(tmp_path / "another-home"))
    together, told = ranked(workers=2)
    assert together == alone, "to the last bit"
    for source in alone["knn"]:
        assert any(f"the probe of toy_task with {source}: done" in line for line in told)
    assert ranked(workers=2) == (together, []), "nothing is left to be done"


def test_a_damaged_source_is_named_as_without_workers(damaged: dict[str, Any]) -> None:
    with pytest.raises(WeightsError) as alone:
        ranked(**damaged)
    assert "'toy-bad' gives features of shape" in str(alone.value)
    with pytest.raises(WeightsError) as together:
        ranked(**damaged, executor="serial", workers=2)
    assert str(together.value) == str(alone.value)


def test_a_source_that_ends_its_worker_does_not_end_the_ranking(
    damaged: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES_IN", str(os.getpid()))
    with pytest.raises(
        DistbenchError, match="with toy-bad failed: the worker died with exit code 9"
    ):
        ranked(**damaged, workers=2, retries=0)


@pytest.mark.parametrize(
    ("count", "workers", "loaded", "faster"),
    [(500, 2, True, True), (500, 2, False, True), (500, 1, True, False), (40, 2, True, False)],
)
def test_workers_are_started_where_that_is_faster(
    count: int, workers: int, loaded: bool, faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Source:
        macs = 300_000_000

    class Plan:
        device = "cpu"

        def source(self, name: str) -> Source:
            return Source()

    class Here:
        here = True

        def gpus_a_unit(self, device: str) -> int:
            return 0

    modules = {"torch": None} if loaded else {}
    monkeypatch.setattr(probe_workers, "sys", type("Sys", (), {"modules": modules}))
    asked: Any = (RunConfig(), Plan(), count, "abcdefghij", workers, Here())
    assert probe_workers._is_faster(*asked) is faster
