"""A file of weights that a local zoo takes in: asked about, tried beside it, then listed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from distbench import (
    Question,
    Source,
    SourceInfo,
    UsageError,
    WeightsError,
    parse_toml,
    toml_value,
    write_atomic,
)
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.models.weight_files import refuse_pointer
from distbench_builtin.shared.sources.zoo_manifest import MANIFEST
from distbench_builtin.shared.zoo_adding.given import Given, given_facts
from distbench_builtin.shared.zoo_adding.onnx_graphs import OnnxGraph
from distbench_builtin.shared.zoo_adding.state_dicts import StateDict

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar", ".onnx")
_LAST = (
    Question(
        "trained_on",
        "the data that it was trained on, e.g. imagenet-1k; several with commas, unknown if so: "
        "sources that saw a task are left out for it",
    ),
    Question("licence", "the licence of its weights, e.g. Apache-2.0; unknown if so"),
)


def questions(file: Path, facts: Mapping[str, Any]) -> list[Question]:
    """What has to be known of a file, and neither it nor the facts tell."""
    given = given_facts(facts)
    asked = _read(file, given).questions()
    return asked + [one for one in _LAST if not getattr(given, one.fact)]


def add(
    zoo: Path,
    file: Path,
    facts: Mapping[str, Any],
    check: Callable[[Source], None],
    sources: Callable[[Path], Source],
) -> SourceInfo:
    """Puts a file into a zoo; nothing is left behind where it does not work.

    Args:
        zoo: Folder of the zoo; made if it is not there.
        file: The weights; copied unless they lie in that folder already.
        facts: What is known of them, with an answer to each of `questions`.
        check: Tries the source.
        sources: The source that a manifest with one model lists.

    Raises:
        UsageError: A fact will not do, or the zoo has a model of that name.
        WeightsError: The weights cannot be read, or do not work.
    """
    given = given_facts(facts)
    held = _read(file, given)
    name = given.called(file)
    listed = _manifest(zoo, name)
    there = file.resolve().parent == zoo.resolve() and held.as_it_is
    zoo.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=zoo, prefix=".tmp-add-"))
    try:
        own = os.path.relpath(file.resolve(), draft.resolve()) if there else held.copy(draft, name)
        entry = {"name": name, **held.entry(), **_told(given)}
        own_digest = file_digest(draft / own)
        (draft / MANIFEST).write_text(_manifest_of("draft", {**entry, "file": own}), "utf-8")
        source = _tried(lambda: sources(draft), check, draft / own, file)
        kept = zoo / (file.name if there else own)
        if not there:
            if kept.exists():
                raise UsageError(f"{kept} exists already; call the model otherwise with --name")
            (draft / own).rename(kept)
        entry |= {"file": kept.name, "sha256": own_digest}
        write_atomic(zoo / MANIFEST, listed + _table(entry))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return source.info


def _tried(
    make: Callable[[], Source], check: Callable[[Source], None], draft: Path, file: Path
) -> Source:
    """A source that has been tried.

    Raises:
        WeightsError: It does not work; names the file that is added and not its copy.
    """
    try:
        source = make()
        check(source)
    except WeightsError as error:
        raise WeightsError(str(error).replace(str(draft), str(file))) from None
    return source


def _read(file: Path, given: Given) -> StateDict | OnnxGraph:
    """A file by its suffix.

    Raises:
        WeightsError: It is missing, or of no kind that can be read.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        raise WeightsError(f"{file} {what}; name a file of weights")
    refuse_pointer(file)
    if file.suffix.lower() not in _SUFFIXES:
        raise WeightsError(
            f"{file} is no file of weights by its suffix; a source is a state dict "
            f"({', '.join(_SUFFIXES[:-1])}) or a graph (.onnx)"
        )
    return (OnnxGraph if file.suffix.lower() == ".onnx" else StateDict)(file, given)


def _told(given: Given) -> dict[str, Any]:
    """What a person said of it, for the manifest."""
    mean, std = given.normalise or (None, None)
    facts = {
        "input_size": given.input_size,
        "mean": mean,
        "std": std,
        "activation": given.activation,
        "domain": given.domain,
        "trained_on": given.trained_on,
        "licence": given.licence,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _manifest(zoo: Path, name: str) -> str:
    """The manifest so far; of a zoo that is begun, its head.

    Raises:
        UsageError: It cannot be added to.
    """
    file = zoo / MANIFEST
    if zoo.is_file():
        raise UsageError(f"{zoo} is a file; --zoo names the folder of a zoo")
    if not file.exists():
        called = re.sub(r"[^\w.-]+", "-", zoo.resolve().name) or "zoo"
        return f"name = {toml_value(called)}\nversion = 1\n"
    text = file.read_text(encoding="utf-8")
    try:
        models = parse_toml(text.encode()).get("models", [])
        parse_toml((text + _table({"name": name})).encode())
    except ValueError as error:
        raise UsageError(
            f"{file} cannot be added to: {error}; each model is a table [[models]]"
        ) from None
    if any(model.get("name") == name for model in models):
        raise UsageError(f"{file} has a model {name!r} already; call this one otherwise: --name")
    return text if text.endswith("\n") else text + "\n"


def _manifest_of(name: str, entry: Mapping[str, Any]) -> str:
    return f"name = {toml_value(name)}\n{_table(entry)}"


def _table(entry: Mapping[str, Any]) -> str:
    lines = ["", "[[models]]", *(f"{key} = {toml_value(value)}" for key, value in entry.items())]
    return "\n".join(lines) + "\n"
