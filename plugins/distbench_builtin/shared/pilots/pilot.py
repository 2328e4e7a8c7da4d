"""A pilot: what a job of the scheduler runs, until its driver has no more units."""

from __future__ import annotations

import os
import platform
import secrets
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from distbench import WorkerProcess
from distbench_builtin.shared.pilots.mail import Errand, Mail, Run, Word

BEAT = 5.0
"""Seconds between two signs of life."""
SILENCE = 300.0
"""Seconds without a sign of life of the driver after which nothing waits for the work any more."""
IDLE = 600.0
"""Seconds without a unit after which a pilot gives back what it holds."""
FAST, SLOW = 0.1, 2.0
"""Seconds between two looks for a unit: at first, and after a while."""


def serve(folder: str, first: int) -> None:
    """Is what submitit starts in a job, once for each pilot of it.

    Args:
        folder: The run's.
        first: Number of the job's first pilot.
    """
    from submitit import JobEnvironment

    rank = JobEnvironment().local_rank
    mail = Mail(Path(folder))
    run = mail.run()
    if run is not None:
        _Pilot(mail, run, first + rank, own_gpu(rank)).serve()


def own_gpu(rank: int) -> dict[str, str]:
    """Has a pilot see one of its job's GPUs, where there are several: each pilot another."""
    given = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return {"CUDA_VISIBLE_DEVICES": given[rank % len(given)]} if len(given) > 1 else {}


class _Pilot:
    def __init__(self, mail: Mail, run: Run, number: int, environment: Mapping[str, str]) -> None:
        self._mail, self._run, self._number = mail, run, number
        self._environment = {**run.environment, **environment}
        self._word = Word(secrets.token_hex(8), platform.node().partition(".")[0])
        # A signal may ask it to leave in the middle of a sentence.
        self._speaking = threading.RLock()
        self._worker: WorkerProcess | None = None
        self._heard, self._heard_at = 0, time.monotonic()

    def serve(self) -> NoReturn:
        """Works on one unit after the other in a worker that stays; the process ends here."""
        for name in ("SIGTERM", "SIGINT", "SIGUSR2"):  # the last: its time is nearly over
            signal.signal(
                getattr(signal, name),
                lambda number, frame: self._leave(f"was told to end by {signal.strsignal(number)}"),
            )
        self._say()
        threading.Thread(target=self._keep_in_touch, daemon=True).start()
        while True:
            errand = self._next()
            self._say(working=errand.number)
            self._bury()  # it may have died while it had nothing to do
            worker = self._worker or self._started()
            outcome = worker.execute(errand.unit, errand.timeout)
            self._say(working=0, ended=errand.number, outcome=asdict(outcome))
            self._bury()

    def _started(self) -> WorkerProcess:
        run = self._run
        self._worker = WorkerProcess(run.plan_path, run.threads, self._environment)
        return self._worker

    def _bury(self) -> None:
        """Ends what a dead worker left running, and forgets it."""
        if self._worker is not None and not self._worker.alive:
            self._worker.kill()
            self._worker = None

    def _next(self) -> Errand:
        """Waits for a unit; leaves where none comes."""
        since, pause = time.monotonic(), FAST
        while True:
            errand = self._mail.errand(self._number)
            word = self._word
            if errand is not None and errand.life == word.life and errand.number > word.ended:
                return errand
            self._listen()
            if time.monotonic() - since > IDLE:
                self._leave(f"had nothing to do for {IDLE:g} s")
            time.sleep(pause)
            pause = min(pause * 1.3, SLOW)

    def _keep_in_touch(self) -> None:
        try:
            while True:
                time.sleep(BEAT)
                self._say()
                self._listen()
        finally:  # it cannot speak any more, so nobody would hear how a unit ended
            self._leave("could not write to its folder")

    def _listen(self) -> None:
        """Leaves where the driver says so, has ended, or is not heard any more."""
        beat, over = self._mail.driver()
        if over or self._run.driver_gone():
            self._leave("is not needed any more")
        if beat != self._heard:
            self._heard, self._heard_at = beat, time.monotonic()
        if time.monotonic() - self._heard_at > SILENCE:
            self._leave(f"had not heard of the driver for {SILENCE:g} s")

    def _say(self, **news: object) -> None:
        with self._speaking:
            self._word = replace(self._word, beat=self._word.beat + 1, **news)  # type: ignore[arg-type]
            self._mail.say(self._number, self._word)

    def _leave(self, why: str) -> NoReturn:
        """Ends this process and its worker, in whatever thread it is called."""
        try:
            print(f"the pilot {why}", flush=True)  # noqa: T201 - the job's log
            self._say(gone=why)
            if self._worker is not None:
                self._worker.kill()
        finally:
            os._exit(0)
