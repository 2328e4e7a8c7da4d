"""The table of tools side by side: who is absent is named with the reason, who fails too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from benchmarks.side_by_side import fixmatch
from benchmarks.side_by_side.__main__ import PARTS, main
from benchmarks.side_by_side.report import Absent, Beside, durations, rates, table
from benchmarks.side_by_side.steps import Case

PEERS = ("semilearn", "torchdistill", "benchopt", "lm_eval", "mteb")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No peer is installed, whatever is."""
    for name in PEERS:
        monkeypatch.setitem(sys.modules, name, None)


def install(folder: Path, package: str, does: str) -> None:
    """A package that is a command, with its version."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    (folder / package / "__main__.py").write_text(does)
    facts = folder / f"{package}-9.9.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9\n")


def test_what_is_not_installed_is_left_out_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["starting", "boards", "--turns", "1"])
    said = capsys.readouterr().out
    assert "|" not in said, "there is nothing to put into a table"
    lines = [line for line in said.splitlines() if line.startswith("- ")]
    assert len(lines) == 6
    for name in ("benchopt", "lm_eval", "mteb"):
        assert any(line.endswith(f": {name} is not installed") for line in lines)


def test_a_peer_has_a_line_and_one_that_fails_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "benchopt", "print('help')")
    install(tmp_path, "lm_eval", "raise SystemExit('no luck today')")
    for name in ("benchopt", "lm_eval"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    importlib.invalidate_caches()
    main(["starting", "--turns", "1"])
    said = capsys.readouterr().out
    title, rule, *rows = [line for line in said.splitlines() if line.startswith("|")]
    assert len(rows) == 1 and {row.count("|") for row in (title, rule, *rows)} == {7}
    _, _, unit, ours, peer, *_ = (cell.strip() for cell in rows[0].split("|"))
    assert (unit, peer) == ("seconds", "`benchopt --help` (benchopt 9.9)")
    assert float(ours) > 0
    assert said.count("-m lm_eval") == 2 and said.count("ended with 1: no luck today") == 2


def test_figures_are_medians_and_how_fast_is_told_turn_by_turn() -> None:
    seconds = {"distbench": [1.0, 2.0, 2.0], "peer 1.0": [2.0, 6.0, 4.0]}
    (rate,) = rates("steps", seconds, 100, ["peer 1.0"])
    (took,) = durations("start", seconds, ["peer 1.0"])
    said = table([rate, took]).splitlines()
    assert "| steps | images a second | 50.0 | peer 1.0 | 25.0 | 2.00 (2.00 to 2.50) |" in said
    assert "| start | seconds | 2.00 | peer 1.0 | 4.00 | 2.00 (2.00 to 2.50) |" in said


def test_ours_is_beside_its_bound_where_the_peer_is_absent() -> None:
    absent, bound = fixmatch.compared(1, (Case("mini", 32, 1),))
    assert isinstance(absent, Absent) and absent.why == "semilearn is not installed"
    assert isinstance(bound, Beside) and bound.peer == "the same on ready-made views"
    assert bound.ours > 0 and bound.theirs > 0
    assert "FixMatch, mini, 32 pixels" in table([absent, bound])


def test_each_part_is_a_module_and_another_name_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in PARTS:
        assert callable(importlib.import_module(f"benchmarks.side_by_side.{part}").compared)
    with pytest.raises(SystemExit):
        main(["board"])
    assert "there is no part 'board'; there are fixmatch" in capsys.readouterr().err
