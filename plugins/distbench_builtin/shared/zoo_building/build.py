"""Builds a zoo: which models are still to be trained, in which order, and where they go."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distbench import DataError, DistbenchError, Task, UsageError
from distbench_builtin.shared.models.processes import mapper
from distbench_builtin.shared.zoo_building.images import decode, labels_of, store_size
from distbench_builtin.shared.zoo_building.jobs import (
    PreparedData,
    Report,
    TrainingJob,
    checkpoint_file,
    make,
)
from distbench_builtin.shared.zoo_building.records import Record, read_records, write_records
from distbench_builtin.shared.zoo_building.settings import TrainingSet

STAGING = ".building"


@dataclass(frozen=True)
class BuildOptions:
    """How a zoo is built, none of which changes a model beyond rounding.

    Attributes:
        device: Where models are trained.
        threads: CPU threads of each.
        workers: Models at once, each in a process of its own.
        skip_corrupt: Whether images that cannot be read are left out.
        replace: Whether models that were trained otherwise are trained anew.
        dry_run: Whether only to report what would be done.
    """

    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    skip_corrupt: bool = False
    replace: bool = False
    dry_run: bool = False


class SomeFailedError(DistbenchError):
    """Some models could not be made; the others are in the zoo."""


def source_of(data: TrainingSet) -> PreparedData:
    """What jobs need to know of source data; decodes no image.

    Raises:
        DataError: The data cannot be used.
    """
    index = data.task.index()
    multilabel = labels_of(data.task, "train").ndim == 2
    if not multilabel and len(index.classes) < 2:
        raise DataError(f"{data.name}: there are not two classes to tell apart")
    return PreparedData(
        name=data.name,
        fingerprint=index.fingerprint,
        classes=index.classes,
        multilabel=multilabel,
        domain=data.domain,
        trained_on=data.trained_on,
        licence=data.licence,
        flip=data.flip,
    )


def build(
    folder: Path,
    jobs: Sequence[TrainingJob],
    tasks: dict[str, Task],
    options: BuildOptions,
    report: Report,
) -> list[Record]:
    """Makes the models that are not there yet; each is listed once it is whole.

    What is not ready lies in ``FOLDER/.building``: checkpoints, from which an interrupted training
    goes on, and decoded images. It is gone once all models are made.

    Args:
        folder: Folder of the zoo; models of earlier builds in it stay.
        jobs: The models.
        tasks: The data by their names.
        options: How.
        report: Told one line for each model, and now and then of a long one.

    Returns:
        What is known of the models of these jobs.

    Raises:
        UsageError: The folder holds something else, or a model of one of these names that was
            made otherwise.
        SomeFailedError: Some models could not be made; the others are there.
    """
    folder = folder.absolute()
    records = read_records(folder)
    fresh = {job.name: _is_there(records, job, options.replace) for job in jobs}
    todo = [job for job in jobs if not fresh[job.name]]
    total = len(jobs)
    for job in jobs:
        if fresh[job.name]:
            report(f"{job.name}: there already, {records[job.name].says}")
    if options.dry_run:
        for job in todo:
            report(f"{job.name}: to be made")
        return [records[job.name] for job in jobs if fresh[job.name]]
    staging = folder / STAGING
    failed: list[str] = []
    with _alone(folder, staging):
        done = total - len(todo)
        with mapper(options.workers) as run:
            for name, task in tasks.items():
                mine = [job for job in todo if job.source.name == name]
                if not mine:
                    continue
                images = _decoded(task, mine[0], staging, options, report)
                inner = report if options.workers == 1 else _quiet
                packs = [
                    (j, images, folder, staging, options.device, options.threads, inner)
                    for j in mine
                ]
                for job, outcome in zip(mine, run(_attempt, packs), strict=True):
                    done += 1
                    if isinstance(outcome, str):
                        failed.append(job.name)
                        report(f"{done}/{total} {job.name}: failed: {outcome}")
                        continue
                    records[job.name] = outcome
                    write_records(folder, folder.name, _in_order(records, jobs))
                    checkpoint_file(staging, job).unlink(missing_ok=True)
                    report(f"{done}/{total} {job.name}: {outcome.says} ({outcome.seconds:.0f} s)")
                shutil.rmtree(images, ignore_errors=True)
        if not failed:
            shutil.rmtree(staging, ignore_errors=True)
            return [records[job.name] for job in jobs]
    raise SomeFailedError(
        f"{len(failed)} of {total} models could not be made: {', '.join(failed)}; the others are "
        f"in {folder}, and the same command tries these again"
    )


def _is_there(records: dict[str, Record], job: TrainingJob, replace: bool) -> bool:
    held = records.get(job.name)
    if held is None or (replace and held.key != job.key()):
        return False
    if held.key == job.key():
        return True
    raise UsageError(
        f"the zoo holds a model {job.name!r} that was made otherwise ({_difference(held, job)}); "
        "name another --output, or have it made anew with --replace"
    )


def _difference(held: Record, job: TrainingJob) -> str:
    """What differs first, in a few words."""
    wanted = job.training()
    for group in ("settings", "network", "data"):
        for key, value in wanted[group].items():
            before = held.training.get(group, {}).get(key)
            if before != value:
                return f"{key} {_short(before)} instead of {_short(value)}"
    return "by another version"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."


def _in_order(records: dict[str, Record], jobs: Sequence[TrainingJob]) -> list[Record]:
    """Those of earlier builds first, then those of this one that are made, in its order."""
    own = [job.name for job in jobs]
    earlier = [record for name, record in records.items() if name not in own]
    return earlier + [records[name] for name in own if name in records]


def _decoded(
    task: Task, job: TrainingJob, staging: Path, options: BuildOptions, report: Report
) -> Path:
    size = store_size(job.settings.image_size)
    identity = f"{job.source.fingerprint} {size} {options.skip_corrupt}"
    images = staging / f"images-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    report(f"decoding the images of {job.source.name}")
    decode(task, size, images, skip_corrupt=options.skip_corrupt)
    return images


@contextmanager
def _alone(folder: Path, staging: Path) -> Iterator[None]:
    """One build at a time in a folder."""
    from filelock import FileLock, Timeout

    staging.mkdir(parents=True, exist_ok=True)
    lock = FileLock(staging / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"another `distbench zoo build` is writing to {folder}") from None
    try:
        yield
    finally:
        lock.release()


Pack = tuple[TrainingJob, Path, Path, Path, str, int, Report]


def _attempt(pack: Pack) -> Record | str:
    """The record of a model, or why it could not be made."""
    try:
        return make(*pack)
    except DistbenchError as error:
        return str(error)
    except RuntimeError as error:  # no memory, or an image too small for the architecture
        return " ".join(str(error).split())[:300]


def _quiet(line: str) -> None:
    """Other processes report nothing."""
