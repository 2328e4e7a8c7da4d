"""The queue under many workers, some of which are lost: simulated, nothing is computed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    if importlib.util.find_spec("benchmarks") is None:
        pytest.skip("needs the benchmarks of the repository")
    return importlib.import_module("benchmarks.virtual_cluster")


def test_all_ends_well_and_images_are_brought_less_often(virtual: ModuleType) -> None:
    units = virtual.units_of(8, cells=60)
    found = {
        near: virtual.simulate(units, virtual.Cluster(64, lost=0.02, near=near))
        for near in (True, False)
    }
    for simulated in found.values():
        assert simulated.units == len(units) == 8 * 99
        assert simulated.failed == 0 and simulated.losses > 5
        assert simulated.ideal < simulated.makespan < 4 * simulated.ideal
    assert found[True].fetched < found[False].fetched
