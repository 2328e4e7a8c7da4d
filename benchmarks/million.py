"""A task as large as ImageNet, from files to a trained student: ``python -m benchmarks.million``.

So many image files are written in folders of a thousand classes; they are small, so that what is
measured grows with their number and not with their size. Then one plans, begins to read them, is
killed in the middle (SIGKILL), goes on, embeds them with one source and trains two students. Of
each step is said how long it took and how much memory its processes held at most: all of them
together, without the pages of files that the system keeps for them and takes back when it needs the
room, and with them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from distbench_builtin.shared.mini.zoo_files import PACKAGED

IMAGENET, IMAGENET_TEST, CLASSES = 1_281_167, 50_000, 1000
SOURCE = "textures-dw"
LIMIT = 4 * 2**30
"""Bytes that all processes of a step may hold together, without pages of files."""

_EVERY = 0.2
_SUITE = """
name = "million"
version = 1
zoo = "mini:path=zoo"
student = "mini"
metric = "logme"

[protocol]
labelled = "{labelled}-per-class"
validation = 0.02
image_size = {side}
store_size = {side}
steps = {steps}
batch = 64

[[tasks]]
id = "million"
use = "folder:path=images"
"""


@dataclass(frozen=True)
class Step:
    """What one command took.

    Attributes:
        name: What it did.
        seconds: How long it ran.
        own: Bytes of its processes together at most, without pages of files.
        resident: The same with them.
    """

    name: str
    seconds: float
    own: int
    resident: int

    def __str__(self) -> str:
        shown = f"{self.own / 2**30:.2f} GB, {self.resident / 2**30:.2f} GB with pages of files"
        return f"{self.name:36} {self.seconds:8.1f} s   {shown}"


def make_images(folder: Path, images: int, test: int, classes: int, side: int) -> None:
    """Writes ``train/CLASS/*.jpg`` and ``test/CLASS/*.jpg``: patches, some of them of the class."""
    draw = np.random.default_rng(0)
    of_class = draw.integers(0, 128, (classes, 4, 8, 3))
    for part, total in (("train", images), ("test", test)):
        for number in range(classes):
            own = folder / part / f"n{number:08d}"
            own.mkdir(parents=True)
            for i in range(number, total, classes):
                patches = draw.integers(0, 128, (8, 8, 3))
                patches[:4] += of_class[number]
                picture = Image.fromarray(patches.astype(np.uint8)).resize((side, side))
                picture.save(own / f"{i:08d}.JPEG", "JPEG", quality=60)


def prepare_folder(work: Path, images: int, test: int, classes: int, side: int, steps: int) -> None:
    """Writes the images, a zoo of one source, and a suite of both."""
    make_images(work / "images", images, test, classes, side)
    (work / "zoo").mkdir()
    manifest = json.loads((PACKAGED / "zoo.json").read_text(encoding="utf-8"))
    manifest["sources"] = [one for one in manifest["sources"] if one["name"] == SOURCE]
    (work / "zoo" / "zoo.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(PACKAGED / f"{SOURCE}.safetensors", work / "zoo")
    labelled = max(1, min(13, images // classes // 2))
    text = _SUITE.format(labelled=labelled, side=side, steps=steps)
    (work / "million.toml").write_text(text, encoding="utf-8")


def measured(
    name: str, work: Path, arguments: Sequence[str], until: Callable[[], bool] | None = None
) -> Step:
    """Runs a command of distbench and measures it.

    Args:
        name: What it does.
        work: Its folder, and that of its home.
        arguments: Behind ``distbench``.
        until: Killed with all its processes as soon as this is so; None to let it end.

    Raises:
        RuntimeError: It failed, or ended before it could be killed.
    """
    command = [sys.executable, "-m", "distbench", *arguments]
    environment = os.environ | {"DISTBENCH_HOME": str(work / "home")}
    began, own, resident, killed = time.perf_counter(), 0, 0, False
    with (work / "log.txt").open("ab") as log:
        running = subprocess.Popen(
            command, cwd=work, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            while running.poll() is None:
                taken = [_memory(pid) for pid in _family(running.pid)]
                own = max(own, sum(anonymous for anonymous, _ in taken))
                resident = max(resident, sum(whole for _, whole in taken))
                if until is not None and until():
                    killed = True
                    break
                time.sleep(_EVERY)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    if killed != (until is not None) or (not killed and running.returncode):
        raise RuntimeError(f"{name}: ended with {running.returncode}; see {work / 'log.txt'}")
    return Step(name, time.perf_counter() - began, own, resident)


def _family(root: int) -> Iterator[int]:
    """A process and all below it."""
    yield root
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{root}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))


def _memory(pid: int) -> tuple[int, int]:
    """Bytes that a process holds without pages of files, and with them."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    known = dict(line.split(":", 1) for line in lines)
    anonymous, whole = (int(known.get(f"Rss{k}", "0 kB").split()[0]) for k in ("Anon", "File"))
    return anonymous * 1024, (anonymous + whole) * 1024


def went_through(home: Path) -> int:
    """Train images that are safely on the disk and not yet an artifact."""
    for progress in home.glob("artifacts/**/train.progress.json"):
        with contextlib.suppress(OSError, ValueError):
            return int(json.loads(progress.read_text())["done"])
    return 0


def measure(work: Path, report: Callable[[Step], object], killed: Callable[[], bool]) -> None:
    """Plans, reads, is killed, goes on, embeds and trains.

    Args:
        work: Holds what `prepare_folder` wrote.
        report: Is told of each step.
        killed: When to kill the reading.

    Raises:
        RuntimeError: A step failed.
    """
    run = ["run", "--suite", "million.toml", "--workers", "1", "--device", "cpu"]
    without = [*run, "--distiller", "none", "--baseline", "finetune"]
    report(measured("plan", work, [*without, "--dry-run"]))
    report(measured("plan again", work, [*without, "--dry-run"]))
    report(measured("read images, killed", work, without, killed))
    report(measured("go on, fine-tune", work, without))
    report(measured("embed, score, pseudo_labels", work, [*run, "--baseline", "none"]))
    report(measured("all of it again, from the cache", work, [*run, "--baseline", "finetune"]))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("million"), help="empty folder to use")
    parser.add_argument("--images", type=int, default=IMAGENET)
    parser.add_argument("--test-images", type=int, default=IMAGENET_TEST)
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--side", type=int, default=32, help="pixels")
    parser.add_argument("--steps", type=int, default=50)
    given = parser.parse_args()
    work = given.work.absolute()
    if not (work / "million.toml").exists():
        began = time.perf_counter()
        prepare_folder(
            work, given.images, given.test_images, given.classes, given.side, given.steps
        )
        sys.stdout.write(f"wrote {given.images} files in {time.perf_counter() - began:.0f} s\n")

    def report(step: Step) -> None:
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        if step.own > LIMIT:
            raise RuntimeError(f"{step.name} held more than {LIMIT / 2**30:.0f} GB")

    measure(work, report, lambda: went_through(work / "home") >= given.images // 3)


if __name__ == "__main__":
    _main()
