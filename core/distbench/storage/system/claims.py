"""Who is working in a folder: told by a file that is touched while they do.

Locks of files are not heard of everywhere: some network file systems keep them to one machine, some
have none. So nothing here depends on them. A claim is a file that its owner touches; of two who
would make it one does. Whoever looks compares times of the file system's own clock, so that the
machines' clocks do not matter.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import from_json

from distbench.storage.system.machine import this_machine

NAME = ".claim"
BEAT = 10.0
"""Seconds between two touches."""
LEFT = 300.0
"""Seconds without a touch after which nobody is thought to be there any more."""


class _Touching:
    """The claims of this process, all touched by one thread."""

    def __init__(self) -> None:
        self._files: set[Path] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, file: Path) -> None:
        with self._lock:
            self._files.add(file)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="claims")
                self._thread.start()

    def remove(self, file: Path) -> None:
        with self._lock:
            self._files.discard(file)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(BEAT):
            with self._lock:
                files = list(self._files)
                if not files:
                    self._thread = None
                    return
            for file in files:
                with contextlib.suppress(OSError):
                    os.utime(file)


_touching = _Touching()


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Claims a folder while the block runs.

    Args:
        folder: Is made where it is absent.

    Yields:
        Whether it is ours; False where another is at work there, and shows life.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    if not _taken(file):
        yield False
        return
    _touching.add(file)
    try:
        yield True
    finally:
        _touching.remove(file)
        file.unlink(missing_ok=True)


def _taken(file: Path) -> bool:
    """Makes a claim; one whose owner is gone is moved away first, which one process can."""
    for _ in range(2):
        try:
            handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if alive(file.parent):
                return False
            aside = file.with_name(f"{NAME}-{os.getpid()}-{threading.get_ident()}")
            with contextlib.suppress(OSError):
                file.rename(aside)
                aside.unlink()
            continue
        with os.fdopen(handle, "w") as claim:
            json.dump({"place": this_machine(), "pid": os.getpid()}, claim)
        return True
    return False


def alive(folder: Path) -> bool:
    """Whether somebody claims a folder, and is there."""
    file = folder / NAME
    try:
        claim, touched = from_json(file.read_bytes() or b"{}"), file.stat().st_mtime
    except (OSError, ValueError):
        return False
    if isinstance(claim, dict) and claim.get("place") == this_machine():
        return _runs(claim.get("pid"))
    return _now(folder) - touched < LEFT


def touched(folder: Path) -> float | None:
    """When the claim of a folder was last touched, by the file system's clock; None without one."""
    try:
        return (folder / NAME).stat().st_mtime
    except OSError:
        return None


def _now(folder: Path) -> float:
    """The time of the file system that a folder lies on."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".now-") as file:
        return Path(file.name).stat().st_mtime


def _runs(pid: object) -> bool:
    try:
        os.kill(pid if isinstance(pid, int) and pid > 0 else 2**30, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's
        return True
    return True
