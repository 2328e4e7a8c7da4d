"""Memory that scoring needs beyond the input: ``python -m benchmarks.peak_memory parc``.

Measured in a process of its own, in which nothing else grows: the largest resident set while a
metric scores a fresh probe, less what was resident just before. On Linux the mark that the drawing
of the input left is wiped first; elsewhere a peak below that mark reads as 0.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.inputs import LARGE, Shape, draw, score

ROOT = Path(__file__).parents[1]


def measure(metric: str, shape: Shape = LARGE) -> float:
    """Megabytes, from a fresh process."""
    command = [sys.executable, "-m", "benchmarks.peak_memory", metric, *map(str, shape)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(done.stdout.split()[0])


def _peak() -> float:
    """Megabytes: the largest resident set since the mark was wiped, or ever."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _main(specification: str, *sizes: str) -> None:
    inputs = draw(Shape(*map(int, sizes)) if sizes else LARGE)
    score(specification, draw.__wrapped__(Shape(300, 64, 5)))  # imports and threads, once
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    value = score(specification, inputs)
    sys.stdout.write(f"{_peak() - before:.0f} MB beyond the input, score {value:.6g}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
