"""What a command takes that computes nothing: ours beside benchopt's, lm-eval's and mteb's.

A process from its start to its end. A list of what there is to be compared with is the closest to
``distbench list metrics`` that each has; benchopt has none without a benchmark's folder.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.absent import AbsentError, version
from benchmarks.side_by_side.report import OURS, Absent, Found, durations
from benchmarks.side_by_side.turns import commands_in_turns

HELP, LIST = "--help", "a list of what there is"
COMMANDS = {
    "benchopt": {HELP: ("--help",)},
    "lm_eval": {HELP: ("--help",), LIST: ("ls", "tasks")},
    "mteb": {HELP: ("--help",), LIST: ("available-tasks",)},
}
"""Of each package: what is asked for, and how."""

OWN = {HELP: ("--help",), LIST: ("list", "metrics")}


def compared(turns: int) -> Iterator[Found]:
    """Seconds of processor time."""
    for asked, own in OWN.items():
        for package, commands in COMMANDS.items():
            if asked in commands:
                yield from _compared(asked, own, package, commands[asked], turns)


def _compared(
    asked: str, own: tuple[str, ...], package: str, theirs: tuple[str, ...], turns: int
) -> Iterator[Found]:
    what = f"start: {asked}" if asked == HELP else f"start: {asked} (`list metrics`)"
    shown = " ".join([package.replace("_", "-"), *theirs])
    if importlib.util.find_spec(package) is None:
        yield Absent(what, f"`{shown}`", f"{package} is not installed")
        return
    peer = f"`{shown}` ({version(package)})"
    commands = {OURS: [sys.executable, "-m", "distbench", *own]}
    commands[peer] = [sys.executable, "-m", package, *theirs]
    with tempfile.TemporaryDirectory() as place:
        try:
            seconds = commands_in_turns(commands, turns, offline(), Path(place))
        except AbsentError as error:
            yield Absent(what, f"`{shown}`", str(error))
            return
    yield from durations(what, seconds, [peer])


def offline() -> dict[str, str]:
    """An environment in which nobody waits for a network, or for threads."""
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    return {**os.environ, **quiet}
