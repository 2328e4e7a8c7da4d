"""The manifest of a local zoo: what `zoo.toml` may say, and what is said of one that is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from distbench import WeightsError, faults_of

MANIFEST = "zoo.toml"


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    """What every model of a zoo has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    file: Path = Field(description="weights, relative to the manifest")
    num_classes: int = Field(gt=0)
    feature_dim: int | None = Field(None, gt=0)
    input_size: int = Field(gt=0, description="side of the square input, pixels")
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    domain: str = "unknown"
    trained_on: str | tuple[str, ...] = ()
    licence: str = "unknown"
    sha256: Digest | None = None
    parameters: int | None = Field(None, gt=0)
    macs: int | None = Field(None, gt=0)
    depth: int | None = Field(None, gt=0)
    role: Literal["source", "generalist"] = "source"


class TimmEntry(_Entry):
    """Weights that load strictly into a timm architecture."""

    format: Literal["timm"]
    architecture: str = Field(pattern=r"^[A-Za-z0-9_.]+$")
    arguments: dict[str, Any] = {}


class TorchvisionEntry(_Entry):
    """Weights that load strictly into a classifier of torchvision."""

    format: Literal["torchvision"]
    architecture: str = Field(pattern=r"^[A-Za-z0-9_]+$")


class OnnxEntry(_Entry):
    """A graph from images to features and logits."""

    format: Literal["onnx"]
    feature_dim: int = Field(gt=0)
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
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="format")])


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    version: int | str = 1
    models: list[dict[str, Any]] = Field(min_length=1)


def read_manifest(path: Path) -> list[Entry]:
    """The models of a zoo, with the paths of their files made absolute.

    Args:
        path: The manifest, or the folder it lies in.

    Raises:
        WeightsError: It is missing or wrong, or a file that it names is missing.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"no zoo manifest at {file}; give the folder that holds {MANIFEST}, or its path"
        ) from None
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
        entry = _ENTRY.validate_python(model)
    except ValidationError as error:
        cls = _CLASSES.get(str(model.get("format")), TimmEntry)
        raise WeightsError(f"{shown}: {_explain(error, cls)}") from None
    file = manifest.absolute().parent / entry.file
    if not file.is_file():
        raise WeightsError(f"{shown}: the file {file} is missing; mend 'file' or put it there")
    return entry.model_copy(update={"file": file})


def _explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """What is wrong, in one line."""
    first = error.errors()[0]
    if first["type"] == "union_tag_not_found":
        return f"'format' is missing; it is {_FORMATS}"
    if first["type"] == "union_tag_invalid":
        return f"format = {first['ctx']['tag']!r} is not known; it is {_FORMATS}"
    return faults_of(error, cls)
