"""A leaderboard of 100,000 results: ours in all formats beside mteb's summary table as CSV.

The work is not the same. Ours reads rows of 7 kB, with seeds, weights, scores and curves of every
one, and writes six files with intervals, tests and costs; mteb reads files of 0.5 kB, one score
each, and writes means and ranks.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.absent import AbsentError, version
from benchmarks.side_by_side.report import OURS, Absent, Found, durations
from benchmarks.side_by_side.starting import offline
from benchmarks.side_by_side.turns import commands_in_turns, run_command
from benchmarks.test_leaderboard import METHODS, SEEDS, _rows

TASKS = 8
MODELS = 800
"""mteb ranks models that it knows by name, which are 969."""


def compared(turns: int, methods: int = METHODS, models: int = MODELS) -> Iterator[Found]:
    """Seconds of processor time, from the start of a process to its end."""
    results = methods * TASKS * SEEDS
    what = f"leaderboard of {results:,} results"
    if importlib.util.find_spec("mteb") is None:
        yield Absent(what, "mteb", "mteb is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run = _rows(place / "run", methods, SEEDS)
        theirs = [sys.executable, "-m", "benchmarks.side_by_side.mteb_results"]
        sizes = [str(place / "mteb"), str(models), str(results // models)]
        own = [sys.executable, "-m", "distbench", "leaderboard", str(run)]
        peer = version("mteb")
        commands = {
            OURS: [*own, "--output", str(place / "out")],
            peer: [*theirs, "rank", *sizes],
        }
        here = Path(__file__).parents[2]
        try:
            run_command([*theirs, "write", *sizes], offline(), here)
            seconds = commands_in_turns(commands, turns, offline(), here)
        except AbsentError as error:
            yield Absent(what, "mteb", str(error))
            return
    yield from durations(what, seconds, [peer])
