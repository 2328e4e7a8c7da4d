from __future__ import annotations

import platform
from pathlib import Path

import pytest

from distbench.storage.system.machine import is_busy, processor


def test_the_processor_has_its_name_where_the_system_tells_it(tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Fast 9000\nprocessor\t: 1\n")
    assert processor(facts) == "Fast 9000"
    facts.write_text("Features\t: fp asimd\n")
    assert processor(facts) == processor(tmp_path / "none") != ""
    assert processor(facts) in (platform.processor(), platform.machine())


def test_a_machine_is_busy_with_more_work_than_it_has_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for load, busy in ((2.5, False), (3.5, True)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert is_busy() is busy
