"""How long a leaderboard of 100,000 rows takes, and how much memory.

``make bench`` prints the times; ``python -m benchmarks.test_leaderboard`` prints time and the
largest resident set of a fresh process, step by step. Rows are as large as those of suite mini:
28 sources with scores, weights and fingerprints, and a curve of 10 points.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
METHODS, SEEDS = 1000, 13


def _rows(folder: Path, methods: int = METHODS, seeds: int = SEEDS) -> Path:
    file = ROOT / "tests" / "leaderboard" / "page" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", file)
    assert spec is not None and spec.loader is not None
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    run: Path = synthetic.run_folder(folder, synthetic.large_board(methods, seeds), seeds)
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield _rows(tmp_path_factory.mktemp("large") / "run")


def test_a_hundred_thousand_rows_in_all_formats(
    benchmark: Callable[..., Any], folder: Path
) -> None:
    out = folder.parent / "out"
    command = [sys.executable, "-m", "distbench", "leaderboard", str(folder), "--output", str(out)]
    benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: subprocess.run(command, check=True, capture_output=True), rounds=2
    )
    assert (out / "leaderboard.html").stat().st_size < 8e6


def test_statistics_of_a_thousand_methods(benchmark: Callable[..., Any], folder: Path) -> None:
    from distbench.leaderboard.analysis.board import build_board
    from distbench.workflows.collect import collect

    records = collect([folder]).records
    board = benchmark.pedantic(lambda: build_board(records), rounds=3)  # type: ignore[attr-defined]
    assert len(board.lines) == METHODS


def _main() -> None:
    from distbench.leaderboard import report_files as formats
    from distbench.leaderboard.analysis.reports import reports
    from distbench.workflows.collect import collect

    def told(what: str, since: tuple[float, float]) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wall, spent = time.perf_counter() - since[0], time.process_time() - since[1]
        sys.stdout.write(f"{what}: {wall:.1f} s ({spent:.1f} s of CPU), peak {peak:.0f} MB\n")

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    with tempfile.TemporaryDirectory() as place:
        # Made by another process, so that what this one needed is its own.
        code = (
            "from pathlib import Path; from benchmarks.test_leaderboard import _rows; "
            f"_rows(Path({str(Path(place) / 'run')!r}))"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        start = since = now()
        found = collect([Path(place) / "run"])
        told(f"reading {len(found.records):,} rows", since)
        since = now()
        made = reports(found)
        told("statistics, costs, weights", since)
        for kind in formats.FORMATS:
            since = now()
            formats.write_reports(found, made, Path(place) / "out", [kind])
            told(kind, since)
        told("all", start)


if __name__ == "__main__":
    _main()
