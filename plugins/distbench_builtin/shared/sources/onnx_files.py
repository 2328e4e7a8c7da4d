"""The files of an ONNX graph: itself, and those beside it that hold its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from distbench import WeightsError
from distbench_builtin.shared.caching.facts import remembered
from distbench_builtin.shared.caching.file_digests import file_digest
from distbench_builtin.shared.models.weight_files import refuse_pointer


def weight_files(graph: Path) -> list[str]:
    """Names of the files that a graph keeps weights in, relative to its folder.

    None of a file that is no graph: that is told when it is opened.

    Raises:
        WeightsError: A name leads out of the folder, no file has it, or a pointer of Git LFS has.
        OSError: The graph cannot be read.
    """
    facts = remembered("onnx-files", {"file": file_digest(graph)}, lambda: _read(graph))
    for name in facts["names"]:
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
            raise WeightsError(
                f"the ONNX graph {graph} keeps weights in {name!r}, outside its folder; save it "
                "with its weights beside it"
            )
        if not (graph.parent / name).is_file():
            raise WeightsError(
                f"the ONNX graph {graph} keeps weights in {name!r}, which is missing beside it; "
                "put it there"
            )
        refuse_pointer(graph.parent / name)
    return [str(name) for name in facts["names"]]


def graph_digest(graph: Path) -> str:
    """SHA-256 over a graph and the files it keeps weights in; of one file alone, its own.

    Raises:
        WeightsError: As of `weight_files`.
        OSError: A file cannot be read.
    """
    weights = {name: file_digest(graph.parent / name) for name in weight_files(graph)}
    return combined_digest(file_digest(graph), weights)


def combined_digest(graph: str, weights: Mapping[str, str]) -> str:
    """One digest of a graph's digest and those of its weight files by name."""
    if not weights:
        return graph
    return hashlib.sha256(json.dumps([graph, sorted(weights.items())]).encode()).hexdigest()


def _read(graph: Path) -> dict[str, Any]:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(str(graph), load_external_data=False)
    except DecodeError:
        return {"names": []}
    locations = {
        entry.value
        for tensor in _tensors(model, onnx.TensorProto)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return {"names": sorted(locations)}


def _tensors(message: Any, kind: type) -> Iterator[Any]:
    """All tensors of a message, those in nodes, functions and inner graphs too."""
    if isinstance(message, kind):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in (value,) if hasattr(value, "ListFields") else value:
                yield from _tensors(inner, kind)
