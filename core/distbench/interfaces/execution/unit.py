"""A unit of work as an executor sees it, what it takes, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["prepare", "together", "embed", "reference", "score", "cell"]
"""What a unit does: it decodes images, embeds them with several sources in one pass or with one,
trains the reference, scores sources, or trains and judges a student."""


@dataclass(frozen=True)
class Resources:
    """What a unit takes while it is worked on.

    Attributes:
        cpus: CPU cores; it starts no more threads than that.
        gpus: GPUs: 1 where the run computes on them and the unit does, else 0.
        memory_mb: Memory that it is known to take; None where that is not known.
    """

    cpus: int = 1
    gpus: int = 0
    memory_mb: int | None = None


@dataclass(frozen=True)
class Unit:
    """A job or a cell of a plan.

    Attributes:
        id: By which `distbench.execute_unit` knows it.
        needs: Units that have to be done first.
        title: What it is, for people.
        timeout: Seconds that it may take; None for no limit.
        kind: What it does.
        resources: What it takes.
        task: Whose images it reads: units of one task are best computed where these lie already.
    """

    id: str
    needs: tuple[str, ...] = ()
    title: str = ""
    timeout: float | None = None
    kind: Kind = "cell"
    resources: Resources = Resources()
    task: str = ""


@dataclass(frozen=True)
class Outcome:
    """How one unit ended.

    Attributes:
        unit: Its id.
        status: ``done`` (a declined cell is done too: its row says so); ``failed``; or ``lost``,
            where whoever worked on it is gone (a worker that was killed, a node) and it may well
            be done by another.
        reason: Why it failed or was lost, in one line.
        traceback: The traceback, where there is one.
        refused: It failed because data or weights were refused.
        fatal: Nothing further can succeed: the disk is full, or there is no permission.
        seconds: How long it took.
        host: The machine that it was worked on; empty where that is not known.
        device: The type of the device that computed there, such as ``cuda``; likewise.
        home: `$DISTBENCH_HOME` there; likewise.
        note: What a person should know of it although it ended well.
    """

    unit: str
    status: Literal["done", "failed", "lost"]
    reason: str | None = None
    traceback: str | None = None
    refused: bool = False
    fatal: bool = False
    seconds: float = 0.0
    host: str = ""
    device: str = ""
    home: str = ""
    note: str | None = None


@dataclass(frozen=True)
class News:
    """How far a unit is.

    Attributes:
        text: What it is doing, in words.
        share: Of it, that is done, 0..1; 0 while it does what must be done before.
    """

    text: str
    share: float
