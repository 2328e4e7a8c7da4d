"""A process of its own ends with whoever waits for it, without a word."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from distbench.engine.processes import own_process
from distbench.errors import StopSignal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")


def test_an_interruption_ends_the_process_that_is_waited_for() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise StopSignal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    began = time.monotonic()
    try:
        with pytest.raises(StopSignal):
            own_process.answer_of(time.sleep, 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10
    assert not multiprocessing.active_children()


def test_an_answer_that_nobody_waits_for_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    dying = []
    monkeypatch.setattr(own_process, "die_with_parent", lambda: dying.append(True))
    before = signal.getsignal(signal.SIGINT)
    here, there = multiprocessing.Pipe(duplex=False)
    here.close()
    try:
        own_process._send(there, len, ("abc",))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert dying == [True]


def test_what_starts_is_deaf_and_what_asks_is_not() -> None:
    with own_process._deaf_to_interruptions():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.slow
def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    """Python would, in the process that tries the student, and it would wait for the first."""
    script = tmp_path / "script.py"
    script.write_text(
        "import distbench\n"
        "from distbench.testing.subject import miniature_options\n"
        "print('begun', flush=True)\n"
        "made = distbench.run(**miniature_options(baseline='finetune'))\n"
        "print([row.status for row in made.rows])\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "DISTBENCH_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["begun", "['done']"]
