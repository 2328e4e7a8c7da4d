"""The sources that a manifest lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distbench import Source, SourceInfo, WeightsError, faults_of
from distbench_builtin.shared.sources.zoo_manifest import Entry, read_manifest


def manifest_sources(path: Path, origin: Mapping[str, str] | None = None) -> list[Source]:
    """The sources of a zoo on disk, in the order of its manifest.

    Args:
        path: The manifest, or the folder it lies in.
        origin: Repository and revision, of a zoo that lies in the Hub's cache.

    Raises:
        WeightsError: The manifest or a file that it lists cannot be read.
    """
    return [_source(entry, origin or {}) for entry in read_manifest(path)]


def _source(entry: Entry, origin: Mapping[str, str]) -> Source:
    from distbench_builtin.shared.sources.onnx_source import OnnxSource
    from distbench_builtin.shared.sources.timm_source import TimmSource
    from distbench_builtin.shared.sources.torchvision_source import TorchvisionSource
    from distbench_builtin.shared.sources.zoo_manifest import OnnxEntry, TorchvisionEntry

    try:
        info = _info(entry, origin)
    except OSError as error:
        raise WeightsError(
            f"the weights of source {entry.name!r} cannot be read from {entry.file}: "
            f"{error.strerror}"
        ) from None
    except WeightsError as error:
        raise WeightsError(f"source {entry.name!r}: {error}") from None
    except ValidationError as error:
        faults = faults_of(error, SourceInfo)
        raise WeightsError(f"source {entry.name!r}: {faults}") from None
    if isinstance(entry, OnnxEntry):
        return OnnxSource(info, entry.file, entry.input, entry.outputs)
    if isinstance(entry, TorchvisionEntry):
        return TorchvisionSource(info, entry.file, published=False, arguments=entry.arguments)
    return TimmSource(info, entry.file, entry.arguments)


def _info(entry: Entry, origin: Mapping[str, str]) -> SourceInfo:
    size = _size(entry)
    facts = entry.model_dump(
        exclude={
            *("file", "format", "arguments", "input", "outputs", "trained_on"),
            *("without_labels", "sha256", "weights_sha256"),
        }
    )
    facts.update({key: value for key, value in size.items() if facts[key] is None})
    seen, unlabelled = entry.trained_on, entry.without_labels
    return SourceInfo(
        **facts,
        trained_on=(seen,) if isinstance(seen, str) else seen,
        without_labels=(unlabelled,) if isinstance(unlabelled, str) else unlabelled,
        fingerprint=_fingerprint(entry),
        recipe={
            **entry.model_dump(include={"format", "arguments", "input", "outputs"}),
            **origin,
        },
    )


def _fingerprint(entry: Entry) -> str:
    """What the manifest declares, else what the files hold; `Source.verify` compares the two."""
    from distbench_builtin.shared.caching.file_digests import file_digest
    from distbench_builtin.shared.sources.onnx_files import (
        combined_digest,
        graph_digest,
        weight_files,
    )
    from distbench_builtin.shared.sources.zoo_manifest import OnnxEntry

    if not isinstance(entry, OnnxEntry):
        return entry.sha256 or file_digest(entry.file)
    if entry.sha256 is None:
        return graph_digest(entry.file)
    weights = set(weight_files(entry.file))
    if weights != set(entry.weights_sha256):
        wanted = ", ".join(f'"{name}" = "..."' for name in sorted(weights))
        raise WeightsError(
            f"sha256 vouches for the graph {entry.file} alone; with it "
            f"goes weights_sha256 = {{ {wanted} }} in the manifest"
        )
    return combined_digest(entry.sha256, entry.weights_sha256)


def _size(entry: Entry) -> dict[str, Any]:
    """Feature dimension, parameters and MACs, of which the manifest leaves some open."""
    from distbench_builtin.shared.models import timm_create as _timm
    from distbench_builtin.shared.models import torchvision_create as _torchvision
    from distbench_builtin.shared.sources.zoo_manifest import OnnxEntry, TimmEntry

    if isinstance(entry, OnnxEntry):
        return _onnx_size(entry)
    if None not in (entry.feature_dim, entry.parameters, entry.macs):
        return {}
    shape: Any = {"num_classes": entry.num_classes, "input_size": entry.input_size}
    if isinstance(entry, TimmEntry):
        return dict(_timm.facts(entry.architecture, entry.arguments, **shape, error=WeightsError))
    arguments = entry.arguments
    return dict(
        _torchvision.facts(entry.architecture, **shape, error=WeightsError, arguments=arguments)
    )


def _onnx_size(entry: Any) -> dict[str, Any]:
    from distbench_builtin.shared.sources.onnx_cost import graph_facts

    if None not in (entry.parameters, entry.macs):
        return {}
    return dict(graph_facts(entry.file, entry.input, entry.input_size))
