"""The manifest of a local zoo: what `zoo.toml` may say, and what is said of one that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from distbench import (
    Interpolation,
    Mean,
    OneLine,
    Std,
    UsageError,
    WeightsError,
    Width,
    faults_of,
    parse_toml,
)
from distbench_builtin.shared.models.weight_files import refuse_pointer

MANIFEST = "zoo.toml"


_NAME = r"^[A-Za-z0-9_.]+$"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    """What every model of a zoo has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: OneLine = Field(min_length=1, max_length=200)
    file: Path = Field(description="weights, relative to the manifest")
    num_classes: Width = Field(gt=0)
    feature_dim: Width | None = Field(None, gt=0)
    input_size: int = Field(gt=0, le=8192, description="side of the square input, pixels")
    mean: Mean
    std: Std
    interpolation: Interpolation = "bilinear"
    crop: float = Field(1.0, gt=0, le=1)
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    domain: OneLine = "unknown"
    trained_on: OneLine | tuple[OneLine, ...] = ()
    without_labels: OneLine | tuple[OneLine, ...] = ()
    licence: OneLine = "unknown"
    sha256: Digest | None = None
    parameters: int | None = Field(None, gt=0)
    macs: int | None = Field(None, gt=0)
    depth: int | None = Field(None, gt=0)
    role: Literal["source", "generalist"] = "source"


_OF_IMAGES = ("input_size", "mean", "std", "interpolation")


def _completable(schema: dict[str, Any]) -> None:
    """Asks a file for nothing that is completed from the architecture's own configuration."""
    schema["required"] = [key for key in schema["required"] if key not in _OF_IMAGES]


class TimmEntry(_Entry):
    """Weights that load strictly into a timm architecture.

    What is not said of its images is as timm's own configuration of the architecture has it.
    """

    model_config = ConfigDict(json_schema_extra=_completable)

    format: Literal["timm"]
    architecture: str = Field(pattern=_NAME)
    arguments: dict[str, Any] = {}


class TorchvisionEntry(_Entry):
    """Weights that load strictly into a classifier of torchvision.

    What is not said of its images is as torchvision's newest weights of the architecture have it.
    """

    model_config = ConfigDict(json_schema_extra=_completable)

    format: Literal["torchvision"]
    architecture: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    arguments: dict[str, Any] = {}


class OnnxEntry(_Entry):
    """A graph from images to features and logits."""

    format: Literal["onnx"]
    feature_dim: Width = Field(gt=0)
    architecture: str = "unknown"
    input: str = "images"
    outputs: tuple[str, str] = Field(
        ("features", "logits"), description="names of the features' and the logits' output"
    )
    weights_sha256: dict[str, Digest] = Field(
        {}, description="of the files beside the graph that hold its weights, by name"
    )


Entry = TimmEntry | TorchvisionEntry | OnnxEntry
_CLASSES: dict[str, type[_Entry]] = {
    "timm": TimmEntry,
    "torchvision": TorchvisionEntry,
    "onnx": OnnxEntry,
}
_FORMATS = "'timm', 'torchvision' or 'onnx'"
_Tagged = Annotated[Entry, Field(discriminator="format")]
_ENTRY: TypeAdapter[Entry] = TypeAdapter(_Tagged)


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    version: int | str = 1
    models: list[dict[str, Any]] = Field(min_length=1)


class ManifestFile(_Manifest):
    """A zoo: its models, each with its weights in a file beside this one."""

    models: list[_Tagged] = Field(min_length=1)  # type: ignore[assignment]


def read_manifest(path: Path) -> list[Entry]:
    """The models of a zoo, with the paths of their files made absolute.

    Args:
        path: The manifest, or the folder it lies in.

    Raises:
        WeightsError: It is missing or wrong, or a file that it names is missing.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        table = parse_toml(file.read_bytes())
    except FileNotFoundError:
        raise WeightsError(
            f"no zoo manifest at {file}; give the folder that holds {MANIFEST}, or its path"
        ) from None
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise WeightsError(f"{file} is no valid TOML: {error}") from None
    try:
        manifest = _Manifest.model_validate(table)
    except ValidationError as error:
        raise WeightsError(f"{file}: {_explain(error, _Manifest)}") from None
    entries: list[Entry] = []
    for number, model in enumerate(manifest.models, 1):
        entry = _entry(file, number, model)
        if any(entry.name == other.name for other in entries):
            raise WeightsError(f"{file}: two models are named {entry.name!r}; rename one")
        entries.append(entry)
    return entries


def _entry(manifest: Path, number: int, model: dict[str, Any]) -> Entry:
    shown = f"{manifest}, model {model.get('name', f'number {number}')!r}"
    try:
        entry = _ENTRY.validate_python(_completed(model))
    except UsageError as error:
        raise WeightsError(f"{shown}: {error}") from None
    except ValidationError as error:
        cls = _CLASSES.get(str(model.get("format")), TimmEntry)
        raise WeightsError(f"{shown}: {_explain(error, cls)}") from None
    file = manifest.absolute().parent / entry.file
    if not file.is_file():
        raise WeightsError(f"{shown}: the file {file} is missing; mend 'file' or put it there")
    try:
        refuse_pointer(file)
    except WeightsError as error:
        raise WeightsError(f"{shown}: {error}") from None
    return entry.model_copy(update={"file": file})


def _completed(model: dict[str, Any]) -> dict[str, Any]:
    """A model's table with what its architecture's own configuration says of its images.

    Raises:
        UsageError: The library does not know the architecture.
    """
    from distbench_builtin.shared.models import timm_cards, torchvision_create

    kind, architecture = model.get("format"), model.get("architecture")
    if not isinstance(architecture, str) or kind not in ("timm", "torchvision"):
        return model
    if not re.fullmatch(_NAME, architecture):
        return model
    own: Mapping[str, Any] = {}
    if kind == "timm" and not model.keys() >= set(_OF_IMAGES):
        own = timm_cards.card(architecture)
    elif kind == "torchvision":
        own = torchvision_create.weights(architecture, "DEFAULT")
    whole = {**{key: own[key] for key in _OF_IMAGES if key in own}, **model}
    if kind == "torchvision" and isinstance(model.get("arguments", {}), dict):
        as_published = all(whole[key] == own[key] for key in ("mean", "std"))
        options = torchvision_create.options(architecture, published=as_published)
        told = {key: options[key] for key in ("transform_input",) if key in options}
        if arguments := {**told, **model.get("arguments", {})}:
            whole["arguments"] = arguments
    return whole


def _explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """What is wrong, in one line."""
    first = error.errors()[0]
    if first["type"] == "union_tag_not_found":
        return f"'format' is missing; it is {_FORMATS}"
    if first["type"] == "union_tag_invalid":
        return f"format = {first['ctx']['tag']!r} is not known; it is {_FORMATS}"
    return faults_of(error, cls)
