"""What a driver and its pilots tell each other: small files in a folder that all of them see.

Every file has one writer and a name that is known beforehand. Nothing is found by listing the
folder: a network file system shows a file as it is to who opens it, but may list a folder as it
was a minute ago.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distbench import Outcome, this_machine, write_atomic


def started(pid: int) -> str:
    """Tells a process of this machine from a later one of the same number; empty once it ended."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if state in "ZX" else fields[18]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:  # another user's
        pass
    return "unknown"


@dataclass(frozen=True)
class Run:
    """What holds for all pilots of a run.

    Attributes:
        name: Of the folder, and of the scheduler's jobs.
        plan_path: The plan.
        threads: CPU threads of a unit.
        environment: Variables that a unit needs.
        machine: The driver's; see `distbench.this_machine`.
        pid: The driver's process there.
        started: When that was started, as the machine counts; see `started`.
        cluster: The scheduler that was asked for pilots.
    """

    name: str
    plan_path: str
    threads: int
    environment: Mapping[str, str]
    machine: str
    pid: int
    started: str
    cluster: str

    def driver_gone(self) -> bool:
        """Whether the driver is known to have ended; never of one on another machine."""
        return self.machine == this_machine() and started(self.pid) != self.started


@dataclass(frozen=True)
class Errand:
    """A unit for one pilot.

    Attributes:
        life: The life of the pilot that it is meant for; see `Word`.
        number: Counts the errands of a run, from 1.
        unit: Its id.
        timeout: Seconds that it may take.
    """

    life: str
    number: int
    unit: str
    timeout: float | None


@dataclass(frozen=True)
class Word:
    """What a pilot says.

    Attributes:
        life: Tells the pilot from the one that had its number before the job was requeued.
        host: Its machine.
        beat: Rises as long as it lives.
        working: The errand that it works on; 0 for none.
        ended: The errand that it ended last; 0 for none.
        outcome: How that ended.
        gone: Why it has left; empty as long as it is there.
    """

    life: str
    host: str
    beat: int = 0
    working: int = 0
    ended: int = 0
    outcome: Mapping[str, Any] | None = None
    gone: str = ""

    def told(self) -> Outcome | None:
        """How the errand that it ended last ended."""
        return None if self.outcome is None else Outcome(**self.outcome)


class Mail:
    """The folder of a run.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._beat = 0

    def open(self, run: Run) -> None:
        """Makes the folder, before there is any pilot."""
        self.folder.mkdir(mode=0o700, parents=True)  # what jobs run lies there
        self.beat()
        self._write("run.json", asdict(run))

    def run(self) -> Run | None:
        """What holds for all pilots; None where there is no run."""
        told = self._read("run.json")
        return None if told is None else Run(**told)

    def beat(self, *, over: bool = False) -> None:
        """Says that the driver lives, or that pilots are to leave."""
        self._beat += 1
        self._write("driver.json", {"beat": self._beat, "over": over})

    def driver(self) -> tuple[int, bool]:
        """The driver's last beat, and whether pilots are to leave."""
        told = self._read("driver.json")
        if told is None:
            return 0, not self.folder.is_dir()
        return told["beat"], told["over"]

    def give(self, pilot: int, errand: Errand) -> None:
        """Gives a pilot a unit."""
        self._write(f"errand-{pilot}.json", asdict(errand))

    def errand(self, pilot: int) -> Errand | None:
        """The errand that a pilot was given last."""
        told = self._read(f"errand-{pilot}.json")
        return None if told is None else Errand(**told)

    def say(self, pilot: int, word: Word) -> None:
        """Says something as a pilot; nothing where the folder was removed."""
        if self.folder.is_dir():
            self._write(f"pilot-{pilot}.json", asdict(word))

    def word(self, pilot: int) -> Word | None:
        """What a pilot said last; None before it has started."""
        told = self._read(f"pilot-{pilot}.json")
        return None if told is None else Word(**told)

    def _write(self, name: str, what: Mapping[str, Any]) -> None:
        write_atomic(self.folder / name, json.dumps(what))

    def _read(self, name: str) -> dict[str, Any] | None:
        """None where there is no file, or none that can be read now: it is looked at again."""
        try:
            told: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return None
        return told
