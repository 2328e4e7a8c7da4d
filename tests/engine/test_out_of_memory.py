"""A process that ran out of memory says so in words; its last words are not lost, nor shown."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from distbench.engine.processes.out_of_memory import LastWords, in_words, ran_out_of_memory

SIGNS = [
    "ImportError: libtorch_cpu.so: failed to map segment from shared object",
    "MemoryError",
    "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 24.0 MiB for an array",
    "RuntimeError: [enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate "
    "memory: you tried to allocate 4000000 bytes. Error code 12 (Cannot allocate memory)",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "OSError: [Errno 12] Cannot allocate memory",
    "RuntimeError: can't start new thread",
    "OpenBLAS blas_thread_init: pthread_create failed for thread 3 of 8",
    "memory allocation of 1073741824 bytes failed",
]


@pytest.mark.parametrize("sign", SIGNS)
def test_what_says_of_memory_is_said_in_words(sign: str) -> None:
    assert ran_out_of_memory(sign)
    worded = in_words(f"it died: {sign}")
    assert worded.startswith("out of memory: it died: ")
    assert worded.endswith("or take fewer --workers")
    assert in_words(worded) == worded


@pytest.mark.parametrize(
    "other",
    ["ValueError: no memory of it", "ImportError: No module named 'x'", "loss is nan", "code 12"],
)
def test_other_reasons_stay(other: str) -> None:
    assert in_words(other) == other


def spoken(code: str) -> LastWords:
    """The last words of a process."""
    words = LastWords()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=words.inlet)
    os.close(words.inlet)
    process.wait()
    words.text()
    return words


def test_the_traceback_that_ends_a_process_is_kept_and_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = spoken(
        "import sys\nsys.stderr.write('a warning\\n')\n"
        "try:\n    1 / 0\nexcept Exception as error:\n    raise MemoryError('too much') from error"
    )
    assert words.cause() == "MemoryError: too much"
    assert "ZeroDivisionError" in words.traceback()
    assert capsys.readouterr().err == "a warning\n"


def test_a_traceback_that_a_process_outlives_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    words = spoken(
        "import sys, traceback\ntry:\n    1 / 0\nexcept Exception:\n    traceback.print_exc()\n"
        "sys.stderr.write('it goes on, hf_abcdefgh1234567\\n')"
    )
    assert words.traceback() is None
    assert words.cause() is None
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):\n")
    assert shown.endswith("ZeroDivisionError: division by zero\nit goes on, ***\n")


def test_what_an_extension_says_before_it_aborts_is_the_cause() -> None:
    words = spoken('import os\nos.write(2, b"terminate: what(): std::bad_alloc\\n\\xff\\n")')
    assert words.traceback() is None
    assert words.cause() == "terminate: what(): std::bad_alloc"


LIMITED = """
from distbench.engine.worker_process import WorkerProcess
worker = WorkerProcess("plan.json", 1)
outcome = worker.execute("job", None)
print(outcome.status, outcome.reason)
print(bool(outcome.traceback), worker.alive)
worker.kill()
"""


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bash") is None, reason="needs ulimit -v of Linux"
)
@pytest.mark.slow
def test_a_worker_under_a_limit_of_memory() -> None:
    command = ["bash", "-c", 'ulimit -v 1000000; exec "$0" -c "$1"', sys.executable, LIMITED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lost out of memory: the worker died with exit code 1: ")
    assert done.stdout.endswith("True False\n")
    assert "Traceback" not in done.stderr
