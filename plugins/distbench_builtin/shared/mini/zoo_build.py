"""Builds the zoo of suite `mini`: trains its sources in processes and puts them in place."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from distbench import UsageError, write_atomic
from distbench_builtin.shared.mini.drawing.render import fingerprint
from distbench_builtin.shared.mini.zoo_files import MANIFEST, MiniEntry, MiniManifest
from distbench_builtin.shared.mini.zoo_train import MiniModel, Recipe, train_source
from distbench_builtin.shared.models.processes import mapper

DOMAINS = ("birds", "dogs", "cats", "objects", "clutter", "textures", "glyphs")
ARCHITECTURES = ("fast", "dw", "plain", "res")
MODELS = (
    *(MiniModel(domain, architecture) for domain in DOMAINS for architecture in ARCHITECTURES),
    MiniModel("general", "stu", "generalist"),
    MiniModel("general", "res", "generalist"),
)


def build_zoo(
    folder: Path,
    *,
    only: Sequence[str] | None = None,
    recipe: Recipe | None = None,
    workers: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> Sequence[MiniEntry]:
    """Trains a zoo and writes its weights and manifest.

    Each source is trained by one thread from seeds of its own, so the number of workers does
    not matter. What is finished is kept in ``FOLDER.building`` until all is, and is not trained
    again after an interruption; then the folder is put in place at once.

    Args:
        folder: Folder to write; an older zoo in it is replaced.
        only: Names of the sources to make a zoo of; all where none is named.
        recipe: How to train.
        workers: Processes; with 1 the training runs in this one.
        report: Is told one line for each source.

    Returns:
        The manifest's lines.

    Raises:
        UsageError: A name is unknown, or the folder holds something else than a zoo.
    """
    recipe = recipe or Recipe()
    models = _chosen(only)
    folder = folder.resolve()
    if folder.exists() and not _replaceable(folder):
        raise UsageError(f"{folder} holds something else than a mini zoo; name another folder")
    staging = folder.with_name(f"{folder.name}.building")
    staging.mkdir(parents=True, exist_ok=True)
    jobs = [(model, recipe, staging) for model in models]
    entries: list[MiniEntry] = []
    with mapper(min(workers, len(models))) as run:
        for number, (entry, seconds) in enumerate(run(_make, jobs), 1):
            entries.append(entry)
            how = f"{seconds:.0f} s" if seconds else "was there"
            report(f"{number}/{len(jobs)} {entry.name}: accuracy {entry.accuracy:.3f} ({how})")
    kept = {entry.file for entry in entries}
    for path in staging.iterdir():
        if path.name not in kept:
            path.unlink()
    text = MiniManifest(sources=tuple(entries)).model_dump_json(indent=1)
    write_atomic(staging / MANIFEST, (text + "\n").encode())
    _replace(folder, staging)
    return entries


def _replaceable(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return (folder / MANIFEST).exists() or not any(folder.iterdir())


def _chosen(only: Sequence[str] | None) -> list[MiniModel]:
    known = {model.name for model in MODELS}
    for name in only or ():
        if name not in known:
            raise UsageError(
                f"no source {name!r} in the mini zoo; there are {', '.join(sorted(known))}"
            )
    return [model for model in MODELS if not only or model.name in only]


def _make(job: tuple[MiniModel, Recipe, Path]) -> tuple[MiniEntry, float]:
    """The entry of a model and the seconds it took; 0 where it had been trained before."""
    model, recipe, staging = job
    done = staging / f"{model.name}.json"
    try:
        entry = MiniEntry.model_validate_json(done.read_bytes())
        weights = (staging / entry.file).read_bytes()
    except (OSError, ValueError):
        pass
    else:
        same_data = entry.dataset["fingerprint"] == fingerprint(model.dataset)
        same_file = entry.sha256 == hashlib.sha256(weights).hexdigest()
        if same_data and same_file and entry.training == model.training(recipe):
            return entry, 0.0
    began = time.perf_counter()
    entry = train_source(model, recipe, staging)
    write_atomic(done, entry.model_dump_json().encode())
    return entry, time.perf_counter() - began


def _replace(folder: Path, staging: Path) -> None:
    """Puts a finished folder in the place of an older one."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    staging.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
