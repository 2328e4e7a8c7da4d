"""What a person says of a file of weights that is added to a zoo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from distbench import Mean, OneLine, Std, UsageError, faults_of
from distbench_builtin.shared.zoo_building.settings import Architecture

_HALF = (0.5, 0.5, 0.5)
NORMALISATIONS: Mapping[str, tuple[Mean, Std]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": (_HALF, _HALF),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Mean and standard deviation of the channels by a name; pixels are in 0..1."""


def _numbers(value: Any) -> Any:
    """Mean and std of a name, or of six numbers."""
    if not isinstance(value, str):
        return value
    if value in NORMALISATIONS:
        return NORMALISATIONS[value]
    try:
        numbers = tuple(float(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 6:
        raise ValueError(
            f"write {', '.join(NORMALISATIONS)}, or the mean of red, green and blue and their "
            "standard deviations as six numbers with commas between them"
        )
    return numbers[:3], numbers[3:]


def _several(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class Given(BaseModel):
    """Facts about a file, as far as they have been given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=200)] | None = None
    architecture: Architecture | None = None
    input_size: int | None = Field(None, gt=0, le=8192)
    normalise: Annotated[tuple[Mean, Std], BeforeValidator(_numbers)] | None = None
    trained_on: Annotated[tuple[OneLine, ...], BeforeValidator(_several)] = ()
    licence: Annotated[OneLine, Field(min_length=1)] | None = None
    domain: OneLine | None = None
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    outputs: Annotated[tuple[str, str], BeforeValidator(_several)] | None = None

    def called(self, file: Path) -> str:
        """What the source is called: its file, if nothing else is said."""
        return self.name or re.sub(r"[^\w.-]+", "-", file.stem).strip("-.") or "model"


def given_facts(facts: Mapping[str, Any]) -> Given:
    """Facts as they were typed.

    Raises:
        UsageError: One of them will not do.
    """
    try:
        return Given.model_validate(dict(facts))
    except ValidationError as error:
        raise UsageError(faults_of(error, Given)) from None


def name_of(normalisation: tuple[Mean, Std]) -> str:
    """A normalisation as `_numbers` reads it."""
    for name, known in NORMALISATIONS.items():
        if known == normalisation:
            return name
    return ",".join(f"{number:g}" for part in normalisation for number in part)
