"""Variants that take short turns, so that other work on the machine weighs on all alike."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.absent import AbsentError

Prepared = Callable[[], object]
"""What is timed; it is made by what is not."""

Seconds = Mapping[str, Sequence[float]]
"""Of each variant's turns."""


class Quotient(NamedTuple):
    """One variant's seconds by another's in the same turn: the median, and the quartiles."""

    low: float
    middle: float
    high: float


def in_turns(variants: Mapping[str, Callable[[], Prepared]], turns: int) -> Seconds:
    """Processor time of variants in this process, after a turn that does not count.

    Args:
        variants: Prepare, each time anew, what is timed.
        turns: How many count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(turns + 1):
        for name, prepare in variants.items():
            run = prepare()
            start = time.process_time()
            run()
            if turn:
                seconds[name].append(time.process_time() - start)
    return seconds


def commands_in_turns(
    commands: Mapping[str, Sequence[str]], turns: int, environment: Mapping[str, str], folder: Path
) -> Seconds:
    """Processor time of commands, all their processes together, after a turn that does not count.

    Raises:
        AbsentError: A command fails; says how.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(turns + 1):
        for name, command in commands.items():
            start = _of_children()
            run_command(command, environment, folder)
            if turn:
                seconds[name].append(_of_children() - start)
    return seconds


def run_command(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """Runs a command of an interpreter to its end; what it prints is dropped.

    Raises:
        AbsentError: It fails; says how.
    """
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or "nothing said").splitlines()[-1]
        raise AbsentError(f"{' '.join(command[1:4])} ended with {done.returncode}: {last}")


def _of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def quotient(seconds: Seconds, theirs: str, ours: str) -> Quotient:
    """How many times as fast one variant is as another, turn by turn."""
    each = [a / b for a, b in zip(seconds[theirs], seconds[ours], strict=True)]
    if len(each) == 1:
        return Quotient(each[0], each[0], each[0])
    low, _, high = quantiles(each, n=4, method="inclusive")
    return Quotient(low, median(each), high)
