"""How a source model is trained, and what it is trained on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from distbench import Mean, Std, Task

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ARCHITECTURE = re.compile(r"(?:(timm|torchvision):)?([A-Za-z0-9][\w.]*)(?::(.*))?")


class Settings(BaseModel):
    """The protocol: SGD with Nesterov momentum, a warm-up and a cosine schedule, one for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    init: str = Field(
        "imagenet",
        description="initial weights: imagenet, imagenet:NAME of torchvision's, random, or a file",
    )
    steps: int | None = Field(None, ge=1, description="optimiser steps of each model")
    epochs: float | None = Field(
        None, gt=0, description="or passes over the training images; 20 if neither is given"
    )
    image_size: int = Field(224, ge=8, description="side of the input, pixels")
    batch: int = Field(64, ge=2, description="images of a step")
    lr: float | None = Field(
        None, gt=0, description="highest learning rate; 0.1 from random weights, else 0.01"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD")
    weight_decay: float = Field(5e-4, ge=0, description="of weights, not of biases and norms")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps until the highest rate")
    smoothing: float = Field(0.0, ge=0, lt=1, description="of labels, where an image has one")
    augment: Literal["crop", "shift", "none"] = Field(
        "crop", description="a random crop, resized; a shift by up to 1/8; nothing"
    )
    smallest_crop: float = Field(
        0.35, gt=0, le=1, description="least share of the image's area that a random crop keeps"
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field("fp32", description="of training")
    seed: int = Field(0, ge=0, description="of initialisation, order and augmentation")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self

    def total_steps(self, images: int) -> int:
        """Optimiser steps on so many training images."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.epochs or 20) * images / min(self.batch, images)))


class Architecture(BaseModel):
    """A network to be trained on each of the data sets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use: str = Field(description="[timm:|torchvision:]NAME[:argument=value,...]")
    arguments: dict[str, Any] = Field({}, description="for the library that makes it")
    init: str | None = Field(None, description="initial weights, if other than for the rest")
    name: str = Field("", description="what it is called in the models' names")
    mean: Mean | None = Field(None, description="of the input channels; its own if not given")
    std: Std | None = Field(None, description="of the input channels; its own if not given")

    _parsed: tuple[str, str] = ("", "")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"use": value}
        if not isinstance(value, dict) or not isinstance(value.get("use"), str):
            return value
        match = _ARCHITECTURE.fullmatch(value["use"])
        if match is None:
            raise ValueError("write [timm:|torchvision:]NAME[:argument=value,...]")
        library, name, rest = match.groups()
        typed = dict(_argument(pair) for pair in rest.split(",")) if rest else {}
        return {
            **value,
            "use": f"{library}:{name}" if library else name,
            "arguments": {**typed, **value.get("arguments", {})},
            "name": value.get("name") or name,
        }

    @property
    def library(self) -> str | None:
        """``timm`` or ``torchvision``, if it is given."""
        library, colon, _ = self.use.partition(":")
        return library if colon else None

    @property
    def model(self) -> str:
        """The name that the library has for it."""
        return self.use.rpartition(":")[2]


def _argument(pair: str) -> tuple[str, Any]:
    key, sign, raw = pair.partition("=")
    if not key or not sign:
        raise ValueError(f"cannot read argument {pair!r}; write name=value")
    if raw in ("true", "false"):
        return key, raw == "true"
    for kind in (int, float):
        try:
            return key, kind(raw)
        except ValueError:
            continue
    return key, raw


class _AboutData(BaseModel):
    """What is said of a data set that models are trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field("", description="what it is called in the models' names")
    domain: str = Field("", description="what it shows; its name if not given")
    trained_on: Annotated[
        tuple[str, ...],
        BeforeValidator(
            lambda v: (v,) if isinstance(v, str) else v,
            json_schema_input_type=str | tuple[str, ...],
        ),
    ] = Field((), description="what tasks and overlaps call it; its name if not given")
    licence: str = Field("unknown", description="of models that are trained on it")
    flip: bool = Field(True, description="false where a mirrored image is another thing")


class TrainingSet(_AboutData):
    """A data set to train on."""

    task: Task

    @model_validator(mode="before")
    @classmethod
    def _call(cls, value: Any) -> Any:
        if isinstance(value, Task):
            value = {"task": value}
        if not isinstance(value, dict) or not isinstance(value.get("task"), Task):
            return value
        name = value.get("name") or _name_of(value["task"])
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be part of a file's name; give it a name")
        return {
            **value,
            "name": name,
            "domain": value.get("domain") or name,
            "trained_on": value.get("trained_on") or (name,),
        }


class RecipeData(_AboutData):
    """A data set as a recipe names it; what else stands there are parameters of its task."""

    model_config = ConfigDict(extra="allow")

    use: str = Field(description="the task, e.g. folder:path=my_images")


class Recipe(Settings):
    """A zoo that is to be trained: architectures by data sets, and how."""

    architecture: str | Architecture | tuple[str | Architecture, ...] = Field(
        (), description="networks, [timm:|torchvision:]NAME[:argument=value,...]"
    )
    data: str | RecipeData | tuple[str | RecipeData, ...] = Field(
        (), description="tasks that they are trained on, TASK or NAME=TASK or a table"
    )
    only: str | tuple[str, ...] = Field(
        (), description="patterns of DATA-ARCHITECTURE; all if none"
    )


def _name_of(task: Task) -> str:
    """Its folder's name, or what one would type, as part of a file's name."""
    paths = [value for _, value in task if isinstance(value, Path)]
    text = Path(os.path.realpath(paths[0])).name if paths else task.label
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") or task.name
