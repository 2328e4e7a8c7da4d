"""What was measured as a Markdown table, and what was not with the reason."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.absent import version
from benchmarks.side_by_side.turns import Quotient, Seconds, quotient

from distbench.storage.system.machine import processor

OURS = "distbench"


@dataclass(frozen=True)
class Beside:
    """One thing that two tools do.

    Attributes:
        what: What they do.
        unit: Of both figures.
        ours: distbench's figure.
        peer: The other one, with its version.
        theirs: Its figure.
        faster: How many times as fast distbench is.
    """

    what: str
    unit: str
    ours: float
    peer: str
    theirs: float
    faster: Quotient


@dataclass(frozen=True)
class Absent:
    """One thing that was not measured.

    Attributes:
        what: What it would have been.
        peer: Beside whom.
        why: Why not.
    """

    what: str
    peer: str
    why: str


Found = Beside | Absent


def rates(what: str, seconds: Seconds, images: int, peers: Sequence[str]) -> Iterator[Found]:
    """Images a second of ours beside those of variants of the same turns.

    Args:
        what: What they do.
        seconds: Of the variants' turns; ours is `OURS`.
        images: How many go through a turn.
        peers: The other variants.
    """
    for peer in peers:
        ours, theirs = (images / median(seconds[name]) for name in (OURS, peer))
        faster = quotient(seconds, peer, OURS)
        yield Beside(what, "images a second", ours, peer, theirs, faster)


def durations(what: str, seconds: Seconds, peers: Sequence[str]) -> Iterator[Found]:
    """Seconds of ours beside those of variants of the same turns."""
    for peer in peers:
        ours, theirs = (median(seconds[name]) for name in (OURS, peer))
        yield Beside(what, "seconds", ours, peer, theirs, quotient(seconds, peer, OURS))


def table(found: Sequence[Found]) -> str:
    """Markdown: when and where, a line for each pair, and a list of what is not there."""
    lines = [_heading(), ""]
    if beside := [row for row in found if isinstance(row, Beside)]:
        lines += [
            "| what | in | distbench | beside it | its figure | distbench is as fast, times |",
            "| --- | --- | ---: | --- | ---: | --- |",
            *map(_line, beside),
            "",
        ]
    if absent := [row for row in found if isinstance(row, Absent)]:
        lines += ["Not measured:", ""]
        lines += [f"- {row.what}, beside {row.peer}: {row.why}" for row in absent]
        lines += [""]
    return "\n".join(lines)


def _heading() -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    parts = [f"Python {platform.python_version()}", version("torch"), version(OURS)]
    busy = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"
    return (
        f"Measured on {today}: {', '.join(parts)}; processor time, one thread of {processor()} "
        f"({os.cpu_count()} cores, load {busy}); medians of turns, in brackets the quartiles."
    )


def _line(row: Beside) -> str:
    low, middle, high = (_figure(value) for value in row.faster)
    cells = [row.what, row.unit, _figure(row.ours), row.peer, _figure(row.theirs)]
    return "| " + " | ".join([*cells, f"{middle} ({low} to {high})"]) + " |"


def _figure(value: float) -> str:
    """Three digits, and whole numbers above a hundred."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
